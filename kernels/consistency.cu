// Give the confidence of going from points by a displacement: how far the way back misses the start.
//
// Twin: vrestore.ops.warp.consistency.consistency (Sundaram, Brox and Keutzer, 2010, eq. 5, made soft).
//   points, displacement  (n, 2), float: x before y, in pixels
//   back                  (2, H, W), or (H, W, 2) with VECTOR 2; ELEMENT
//   confidence            (n), float
// A target outside `back` has confidence 0 and reads nothing.
// Reading the way back at the target, the test and the soft bound are one pass; nothing else is kept.
// Bytes that must move: 20*n, and of `back` what the points see.
//
// A thread takes one point. Points of a hole come row by row, so neighboring threads read neighboring
// pixels of `back`; with VECTOR 2 both its parts are one read.

__device__ __forceinline__ float squared(float x, float y) { return x * x + y * y; }

extern "C" __global__ void __launch_bounds__(256) consistency(
    const float2* __restrict__ points, const float2* __restrict__ displacement,
    const ELEMENT* __restrict__ back, float* __restrict__ confidence,
    long long count, int height, int width, float pixels, float share, float softness)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const float2 start = points[i], there = displacement[i];
        const float x = start.x + there.x, y = start.y + there.y;
        float trust = 0;
        if (x >= 0 && x <= width - 1 && y >= 0 && y <= height - 1) {
            const Corners at = corners(span(0, x, width, true), span(0, y, height, true), width, VECTOR);
            float returned[2];
#if VECTOR == 2
            read(back, at, returned);
#else
            float part[1];
            read(back, at, part);
            returned[0] = part[0];
            read(back + (long long)height * width, at, part);
            returned[1] = part[0];
#endif
            const float error = sqrtf(squared(there.x + returned[0], there.y + returned[1]));
            const float length = sqrtf(squared(there.x, there.y));
            const float ratio = error / (softness + 0.5f * share * length);
            if (error < pixels + share * length) trust = expf(-0.5f * ratio * ratio);
        }
        confidence[i] = trust;
    }
}
