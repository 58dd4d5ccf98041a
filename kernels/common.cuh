// What every kernel's text begins with: element types, words of several elements, bilinear reading.
//
// Compile-time names, set by the launcher in front of this text:
//   ELEMENT   float, float16 or bfloat16: the type in memory. Arithmetic is in float.
//   VECTOR    elements that one thread reads and writes at once, 16 bytes at most; their address is a
//             multiple of their size.
//   INDEX     int, or long long where offsets within one picture pass 2^31.
// Needs no header: the conversions are PTX, or whole numbers where an architecture has no instruction.
// A build for the CPU brings to_float, half_bits and the vector types of its own and defines HOST.

#ifndef ELEMENT
#define ELEMENT float
#endif
#ifndef VECTOR
#define VECTOR 1
#endif
#ifndef INDEX
#define INDEX int
#endif

struct float16 {
    unsigned short bits;
};
struct bfloat16 {
    unsigned short bits;
};

#ifndef HOST
__device__ __forceinline__ float half_value(unsigned short bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

__device__ __forceinline__ unsigned short half_bits(float value)
{
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif

__device__ __forceinline__ float to_float(float value) { return value; }

__device__ __forceinline__ float to_float(float16 value) { return half_value(value.bits); }

__device__ __forceinline__ float to_float(bfloat16 value)
{
    return __uint_as_float((unsigned int)value.bits << 16);
}

__device__ __forceinline__ void from_float(float value, float& element) { element = value; }

__device__ __forceinline__ void from_float(float value, float16& element) { element.bits = half_bits(value); }

__device__ __forceinline__ void from_float(float value, bfloat16& element)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(element.bits) : "f"(value));
#else
    // To nearest, ties to even; what is not a number stays none.
    const unsigned int bits = __float_as_uint(value);
    const unsigned int rounded = bits + 0x7fff + ((bits >> 16) & 1);
    element.bits = value == value ? (unsigned short)(rounded >> 16) : 0x7fc0;
#endif
}

template <int BYTES> struct WordOf;
template <> struct WordOf<2> { typedef unsigned short type; };
template <> struct WordOf<4> { typedef unsigned int type; };
template <> struct WordOf<8> { typedef uint2 type; };
template <> struct WordOf<16> { typedef uint4 type; };

// VECTOR elements, moved by one instruction.
union Word {
    typename WordOf<VECTOR * sizeof(ELEMENT)>::type whole;
    ELEMENT elements[VECTOR];
};

__device__ __forceinline__ Word load(const ELEMENT* place)
{
    Word word;
    word.whole = *reinterpret_cast<const decltype(word.whole)*>(place);
    return word;
}

__device__ __forceinline__ void store(ELEMENT* place, const float (&values)[VECTOR])
{
    Word word;
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) from_float(values[i], word.elements[i]);
    *reinterpret_cast<decltype(word.whole)*>(place) = word.whole;
}

// Two neighbors on a line of `count`, and how much the upper one weighs.
struct Span {
    int low, high;
    bool has_low, has_high;
    float part;
};

// Around `place + step`. The whole part is taken off first, so far from 0 the fraction keeps its bits.
// With `border` the outermost pixels go on for ever, else there is nothing outside.
__device__ __forceinline__ Span span(int place, float step, int count, bool border)
{
    const float bounded = fminf(fmaxf(step, -1e9f), 1e9f);  // an int holds it; no number is outside
    const float whole = floorf(bounded);
    Span at;
    at.part = bounded - whole;
    at.low = min(max(place + (int)whole, -2), count);  // all beyond is outside just so
    at.high = at.low + 1;
    if (border) {
        at.low = min(max(at.low, 0), count - 1);
        at.high = min(max(at.high, 0), count - 1);
    }
    at.has_low = at.low >= 0 && at.low < count;
    at.has_high = at.high >= 0 && at.high < count;
    return at;
}

// The four pixels around a point; `offset` is -1 where there is none.
struct Corners {
    INDEX offset[4];
    float weight[4];
};

// Offsets are of pixels that lie `stride` elements apart, rows of `width` pixels.
__device__ __forceinline__ Corners corners(const Span& x, const Span& y, int width, int stride)
{
    Corners at;
    const INDEX low = (INDEX)y.low * width, high = (INDEX)y.high * width;
    at.offset[0] = x.has_low && y.has_low ? (low + x.low) * stride : -1;
    at.offset[1] = x.has_high && y.has_low ? (low + x.high) * stride : -1;
    at.offset[2] = x.has_low && y.has_high ? (high + x.low) * stride : -1;
    at.offset[3] = x.has_high && y.has_high ? (high + x.high) * stride : -1;
    at.weight[0] = (1 - x.part) * (1 - y.part);
    at.weight[1] = x.part * (1 - y.part);
    at.weight[2] = (1 - x.part) * y.part;
    at.weight[3] = x.part * y.part;
    return at;
}

// VECTOR channels at a point. All loads leave before the first is used; nothing outside is read.
__device__ __forceinline__ void read(const ELEMENT* picture, const Corners& at, float (&sums)[VECTOR])
{
    Word words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        words[i].whole = {};
        if (at.offset[i] >= 0) words[i] = load(picture + at.offset[i]);
    }
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) {
        float sum = at.weight[0] * to_float(words[0].elements[i]);
        sum = fmaf(at.weight[1], to_float(words[1].elements[i]), sum);
        sum = fmaf(at.weight[2], to_float(words[2].elements[i]), sum);
        sums[i] = fmaf(at.weight[3], to_float(words[3].elements[i]), sum);
    }
}
