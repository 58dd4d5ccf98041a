// Fetch colours for points from a neighbouring frame: warp, weigh by what is known, carry the confidence.
//
// Twin: vrestore.ops.propagate.fetch.
//   weighted    (C + 1, H, W), or (H, W, C + 1) with LAST: colours times confidence, then confidence; ELEMENT
//   targets     (n, 2), float: x before y, in pixels
//   trust       (n), float
//   colours     (C, n), ELEMENT
//   confidence  (n), float; 0 from `least` down
// Outside is 0 and not read. Along an axis of one pixel the twin ignores where a target lies; not so here.
// Bytes that must move: of `weighted` what the targets see, and n * (C*sizeof(ELEMENT) + 16).
//
// A thread takes one point and goes through the channels: place and weights once, stores side by side with
// its neighbours'. With LAST it reads VECTOR channels at once, which for three colours in float is all of a
// pixel. VECTOR divides C + 1; without LAST it is 1.

#ifndef LAST
#define LAST 0
#endif
#define LEAST_DIVISOR 1e-4f

extern "C" __global__ void __launch_bounds__(256) propagate(
    const ELEMENT* __restrict__ weighted, const float2* __restrict__ targets, const float* __restrict__ trust,
    ELEMENT* __restrict__ colours, float* __restrict__ confidence,
    long long count, int channels, int height, int width, float decay, float least)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    const long long plane = LAST ? 1 : (long long)height * width;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const float2 target = targets[i];
        const Corners at = corners(
            span(0, target.x, width, false), span(0, target.y, height, false), width,
            LAST ? channels + 1 : 1);
        float values[VECTOR];
        read(weighted + (channels + 1 - VECTOR) * plane, at, values);
        const float known = values[VECTOR - 1];
        const float scale = 1 / fmaxf(known, LEAST_DIVISOR);
        const float carried = known * trust[i] * decay;
        confidence[i] = carried > least ? carried : 0;
        ELEMENT* place = colours + i;
#pragma unroll 4
        for (int channel = 0; channel < channels; channel += VECTOR) {
            read(weighted + channel * plane, at, values);
#pragma unroll
            for (int k = 0; k < VECTOR; ++k) {
                if (channel + k < channels) from_float(values[k] * scale, place[k * count]);
            }
            place += VECTOR * count;
        }
    }
}
