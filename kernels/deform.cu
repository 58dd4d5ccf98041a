// The columns of a modulated deformable convolution: every tap of the kernel read where its offset sends it.
//
// Twin: vrestore.ops.warp.deform.deform_conv_exact (DCNv2, Zhu et al., CVPR 2019, eq. 1) up to its product with
// the weights, which is one matrix product afterwards.
//   frames   (N, H, W, C), ELEMENT
//   offset   (N, Ho, Wo, 2*G*K) with LAST, else (N, 2*G*K, Ho, Wo), OFFSET: dy before dx of tap k of
//            group g at 2*(g*K + k); one that is not finite counts as 0
//   mask     (N, Ho, Wo, G*K) with LAST, else (N, G*K, Ho, Wo), OFFSET; only with MASKED
//   columns  (count, K, C), ELEMENT: of output pixels [first, first + count) of all N*Ho*Wo
// Outside is 0 and not read.
// Bytes that must move: of `frames` what the taps see, count * (2 or 3)*G*K * sizeof(OFFSET) of offsets and
// mask, and count*K*C * sizeof(ELEMENT).
//
// A thread takes VECTOR channels of one tap of one output pixel; neighboring threads hold neighboring
// channels, so each of the four pixels around is one unbroken read and the columns are written as they lie.
// Taps of one pixel and pixels of one row follow each other: what they share is in the first-level cache.
// VECTOR divides C / G; pixels and taps are counted by an int, elements by 64 bits.

#ifndef OFFSET
#define OFFSET ELEMENT
#endif
#ifndef LAST
#define LAST 1
#endif
#ifndef MASKED
#define MASKED 1
#endif

__device__ __forceinline__ float finite(float value) { return fabsf(value) <= 3.4e38f ? value : 0; }

extern "C" __global__ void __launch_bounds__(256) deform(
    const ELEMENT* __restrict__ frames, const OFFSET* __restrict__ offset, const OFFSET* __restrict__ mask,
    ELEMENT* __restrict__ columns, int first, int count, int channels, int height, int width,
    int out_height, int out_width, int groups, int tall, int wide, int stride, int padding, int dilation)
{
    const int taps = tall * wide, places = out_height * out_width, depth = channels / groups;
    const int turns = (count * taps + blockDim.y - 1) / blockDim.y;
    for (int turn = blockIdx.x; turn < turns; turn += gridDim.x) {
        const int item = turn * blockDim.y + threadIdx.y;
        if (item >= count * taps) continue;
        const int tap = item % taps, at_pixel = first + item / taps, at_picture = at_pixel / places;
        const int place = at_pixel - at_picture * places;
        const long long pixel = at_pixel, picture = at_picture;  // what follows counts elements
        const int row = place / out_width * stride - padding + tap / wide * dilation;
        const int column = place % out_width * stride - padding + tap % wide * dilation;
        const ELEMENT* const source = frames + picture * height * width * channels;
        const long long step = LAST ? 1 : places;
        for (int channel = threadIdx.x * VECTOR; channel < channels; channel += blockDim.x * VECTOR) {
            const int index = channel / depth * taps + tap, all = groups * taps;
            const long long at =
                LAST ? (pixel * all + index) * 2 : (picture * all + index) * 2 * places + place;
            const Span y = span(row, finite(to_float(offset[at])), height, false);
            const Span x = span(column, finite(to_float(offset[at + step])), width, false);
            float values[VECTOR];
            read(source + channel, corners(x, y, width, channels), values);
#if MASKED
            const float weight =
                to_float(mask[LAST ? pixel * all + index : (picture * all + index) * places + place]);
#pragma unroll
            for (int i = 0; i < VECTOR; ++i) values[i] *= weight;
#endif
            store(columns + (long long)item * channels + channel, values);
        }
    }
}
