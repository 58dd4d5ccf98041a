// Read pictures at p + flow(p), bilinearly; outside is 0, or with `border` the outermost pixels go on.
//
// Twin: vrestore.ops.warp.warp.warp.
//   pictures  (N, H, W, C) for warp_last, (N, C, H, W) for warp_first; ELEMENT
//   flow      (N, 2, H, W), float: dx before dy, in pixels
//   warped    as pictures; ELEMENT
// Bytes that must move: N*H*W * (2*C*sizeof(ELEMENT) + 8).
// Along an axis of one pixel the twin ignores flow; here it is heeded, as everywhere.
//
// warp_last: a block takes a tile of pixels, a thread VECTOR channels of one pixel and then of others of
// the tile. Neighboring threads hold neighboring channels, so each of the four pixels around is one
// unbroken read; the tile is two-dimensional because its pixels share their neighbors, from the first-level
// cache. VECTOR divides C.
// warp_first: a thread takes one pixel, finds place and weights once and goes through CHANNELS channels;
// neighboring threads hold neighboring pixels of a row. VECTOR is 1.

#ifndef TILE_WIDTH
#define TILE_WIDTH 16
#endif
#ifndef TILE_HEIGHT
#define TILE_HEIGHT 4
#endif
#ifndef CHANNELS
#define CHANNELS 16
#endif
#define TILE (TILE_WIDTH * TILE_HEIGHT)

__device__ __forceinline__ Corners place(
    const float* flow, int x, int y, int height, int width, int stride, bool border)
{
    const INDEX pixel = (INDEX)y * width + x;
    const Span across = span(x, flow[pixel], width, border);
    const Span down = span(y, flow[(long long)height * width + pixel], height, border);
    return corners(across, down, width, stride);
}

extern "C" __global__ void __launch_bounds__(256) warp_last(
    const ELEMENT* __restrict__ pictures, const float* __restrict__ flow, ELEMENT* __restrict__ warped,
    int count, int channels, int height, int width, int border)
{
    const int across = (width + TILE_WIDTH - 1) / TILE_WIDTH;
    const int down = (height + TILE_HEIGHT - 1) / TILE_HEIGHT;
    const long long area = (long long)height * width;
    for (int tile = blockIdx.x; tile < count * down * across; tile += gridDim.x) {
        const int row = tile / across;
        const int left = (tile - row * across) * TILE_WIDTH, top = row % down * TILE_HEIGHT;
        const long long picture = row / down * area;
        for (int pixel = threadIdx.y; pixel < TILE; pixel += blockDim.y) {
            const int x = left + pixel % TILE_WIDTH, y = top + pixel / TILE_WIDTH;
            if (x >= width || y >= height) continue;
            const Corners at = place(flow + 2 * picture, x, y, height, width, channels, border);
            ELEMENT* const target = warped + (picture + (long long)y * width + x) * channels;
            for (int channel = threadIdx.x * VECTOR; channel < channels; channel += blockDim.x * VECTOR) {
                float values[VECTOR];
                read(pictures + picture * channels + channel, at, values);
                store(target + channel, values);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(256) warp_first(
    const ELEMENT* __restrict__ pictures, const float* __restrict__ flow, ELEMENT* __restrict__ warped,
    int count, int channels, int height, int width, int border)
{
    const int across = (width + blockDim.x - 1) / blockDim.x;
    const int down = (height + blockDim.y - 1) / blockDim.y;
    const int parts = (channels + CHANNELS - 1) / CHANNELS;
    const long long area = (long long)height * width;
    for (int tile = blockIdx.x; tile < count * parts * down * across; tile += gridDim.x) {
        const int row = tile / across, plane = row / down;
        const int x = (tile - row * across) * blockDim.x + threadIdx.x;
        const int y = row % down * blockDim.y + threadIdx.y;
        if (x >= width || y >= height) continue;
        const int first = plane % parts * CHANNELS;
        const long long picture = plane / parts;
        const Corners at = place(flow + 2 * picture * area, x, y, height, width, 1, border);
        const ELEMENT* source = pictures + (picture * channels + first) * area;
        ELEMENT* target = warped + (picture * channels + first) * area + (long long)y * width + x;
#pragma unroll 4
        for (int left = min(CHANNELS, channels - first); left > 0; --left) {
            float value[VECTOR];
            read(source, at, value);
            store(target, value);
            source += area;
            target += area;
        }
    }
}
