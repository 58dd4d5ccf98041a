// Fetch colors for points from a neighboring frame: warp, weigh by what is known, carry the confidence.
//
// Twin: vrestore.ops.warp.propagate.fetch.
//   weighted    (C + 1, H, W), or (H, W, C + 1) with LAST: colors times confidence, then confidence; ELEMENT
//   targets     (n, 2), float: x before y, in pixels
//   trust       (n), float
//   colors     (C, n), ELEMENT
//   confidence  (n), float; 0 from `least` down
// Outside is 0 and not read. Along an axis of one pixel the twin ignores where a target lies; not so here.
// Bytes that must move: of `weighted` what the targets see, and n * (C*sizeof(ELEMENT) + 16).
//
// A thread takes one point and goes through the channels: place and weights once, stores side by side with
// its neighbors'. With LAST it reads VECTOR channels at once, which for three colors in float is all of a
// pixel. VECTOR divides C + 1; without LAST it is 1. With SHARP, colors are read once more by cubic
// convolution, and up to `sharpness` of that is taken.

#ifndef LAST
#define LAST 0
#endif
#ifndef SHARP
#define SHARP 0
#endif
#define LEAST_DIVISOR 1e-4f

#if SHARP
#define KEYS -0.75f

// The four pixels of a line around a point, the first at `first`, and their weights (Keys 1981).
struct Line {
    int first;
    float weight[4];
};

__device__ __forceinline__ float near_weight(float away)
{
    return ((KEYS + 2) * away - (KEYS + 3)) * away * away + 1;
}

__device__ __forceinline__ float far_weight(float away)
{
    return ((KEYS * away - 5 * KEYS) * away + 8 * KEYS) * away - 4 * KEYS;
}

__device__ __forceinline__ Line line_around(const Span& at)
{
    Line line;
    line.first = at.low - 1;
    line.weight[0] = far_weight(1 + at.part);
    line.weight[1] = near_weight(at.part);
    line.weight[2] = near_weight(1 - at.part);
    line.weight[3] = far_weight(2 - at.part);
    return line;
}

// VECTOR channels at a point; nothing outside is read. Pixels lie `stride` elements apart.
__device__ __forceinline__ void read_cubic(
    const ELEMENT* picture, const Line& x, const Line& y, int height, int width, int stride,
    float (&sums)[VECTOR])
{
#pragma unroll
    for (int k = 0; k < VECTOR; ++k) sums[k] = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        const int row = y.first + j;
        if (row < 0 || row >= height) continue;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int column = x.first + i;
            if (column < 0 || column >= width) continue;
            const Word word = load(picture + ((INDEX)row * width + column) * stride);
            const float weight = y.weight[j] * x.weight[i];
#pragma unroll
            for (int k = 0; k < VECTOR; ++k) sums[k] = fmaf(weight, to_float(word.elements[k]), sums[k]);
        }
    }
}
#endif

extern "C" __global__ void __launch_bounds__(256) propagate(
    const ELEMENT* __restrict__ weighted, const float2* __restrict__ targets, const float* __restrict__ trust,
    ELEMENT* __restrict__ colors, float* __restrict__ confidence,
    long long count, int channels, int height, int width, float decay, float least, float sharpness)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    const long long plane = LAST ? 1 : (long long)height * width;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const float2 target = targets[i];
        const int stride = LAST ? channels + 1 : 1;
        const Span x = span(0, target.x, width, false), y = span(0, target.y, height, false);
        const Corners at = corners(x, y, width, stride);
        float values[VECTOR];
        read(weighted + (channels + 1 - VECTOR) * plane, at, values);
        const float known = values[VECTOR - 1];
        const float scale = 1 / fmaxf(known, LEAST_DIVISOR);
        const float carried = known * trust[i] * decay;
        confidence[i] = carried > least ? carried : 0;
#if SHARP
        const Line across = line_around(x), down = line_around(y);
        float sharp[VECTOR];
        read_cubic(weighted + (channels + 1 - VECTOR) * plane, across, down, height, width, stride, sharp);
        const float sharp_scale = 1 / fmaxf(sharp[VECTOR - 1], LEAST_DIVISOR);
        const float share = sharpness * fminf(fmaxf(2 * known * trust[i] - 1, 0), 1);
#endif
        ELEMENT* place = colors + i;
#pragma unroll 4
        for (int channel = 0; channel < channels; channel += VECTOR) {
            read(weighted + channel * plane, at, values);
#if SHARP
            read_cubic(weighted + channel * plane, across, down, height, width, stride, sharp);
#endif
#pragma unroll
            for (int k = 0; k < VECTOR; ++k) {
                float color = values[k] * scale;
#if SHARP
                color += share * (fminf(fmaxf(sharp[k] * sharp_scale, 0), 1) - color);
#endif
                if (channel + k < channels) from_float(color, place[k * count]);
            }
            place += VECTOR * count;
        }
    }
}
