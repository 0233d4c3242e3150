/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: kernel, strides, dilations and padding of a node, checked. */
#include "window.h"

/* Sizes in attributes stay so small that no product of two of them overflows. */
#define SIZE_MOST (INT64_C (1) << 30)

static adze_status
sizes_of (ref_call *call, const char *name, int dims, int64_t least, int64_t preset, int64_t *into)
{
  size_t count;
  const int64_t *sizes = adze_node_ints (call->node, name, &count);
  if (sizes && count != (size_t)dims)
    return ref_refuse (call, ADZE_E_FORMAT, "%s has %zu numbers; %d dimensions need as many", name,
                       count, dims);
  for (int d = 0; d < 3; d++) {
    int at = d - (3 - dims);
    into[d] = sizes && at >= 0 ? sizes[at] : preset;
    if (into[d] < least || into[d] > SIZE_MOST)
      return ref_refuse (call, ADZE_E_FORMAT, "%s has a %lld; it must be from %lld to %lld", name,
                         (long long)into[d], (long long)least, (long long)SIZE_MOST);
  }
  return ADZE_OK;
}

static adze_status
kernel_of (ref_call *call, int dims, const int64_t *kernel, ref_window *w)
{
  size_t count;
  const int64_t *said = adze_node_ints (call->node, "kernel_shape", &count);
  if (!kernel && !said)
    return ref_refuse (call, ADZE_E_FORMAT, "it has no kernel_shape, and needs one");
  adze_status status = sizes_of (call, "kernel_shape", dims, 1, 1, w->kernel);
  for (int d = 0; status == ADZE_OK && kernel && d < dims; d++) {
    int at = d + 3 - dims;
    if ((said && kernel[d] != w->kernel[at]) || kernel[d] < 1 || kernel[d] > SIZE_MOST)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "kernel_shape or the weights say %lld for dimension %d; the weights have "
                         "%lld",
                         (long long)w->kernel[at], d, (long long)kernel[d]);
    w->kernel[at] = kernel[d];
  }
  return status;
}

static bool
too_large (const int64_t *sizes)
{
  int64_t volume = 1;
  for (int d = 0; d < 3; d++)
    if (sizes[d] > SIZE_MOST || __builtin_mul_overflow (volume, sizes[d], &volume))
      return true;
  return false;
}

static int64_t
extent (const ref_window *w, int d)
{
  return (w->kernel[d] - 1) * w->dilation[d] + 1;
}

/* As many as there are steps in IN, the padding cut in two halves. */
static void
pad_same (ref_window *w, bool upper)
{
  for (int d = 0; d < 3; d++) {
    int64_t steps = w->in[d] / w->stride[d] + (w->in[d] % w->stride[d] != 0);
    int64_t total = ref_most (0, (steps - 1) * w->stride[d] + extent (w, d) - w->in[d]);
    w->before[d] = upper ? total / 2 : total - total / 2;
    w->after[d] = total - w->before[d];
  }
}

static adze_status
pads_of (ref_call *call, int dims, ref_window *w)
{
  size_t count;
  const int64_t *pads = adze_node_ints (call->node, "pads", &count);
  if (pads && count != 2 * (size_t)dims)
    return ref_refuse (call, ADZE_E_FORMAT, "pads has %zu numbers; %d dimensions need %d", count,
                       dims, 2 * dims);
  for (int d = 0; pads && d < dims; d++) {
    int at = d + 3 - dims;
    w->before[at] = pads[d];
    w->after[at] = pads[d + dims];
    if (pads[d] < 0 || pads[d] > SIZE_MOST || pads[d + dims] < 0 || pads[d + dims] > SIZE_MOST)
      return ref_refuse (call, ADZE_E_FORMAT, "pads has a number that is not from 0 to %lld",
                         (long long)SIZE_MOST);
  }
  return ADZE_OK;
}

static adze_status
padding_of (ref_call *call, int dims, ref_window *w)
{
  const char *automatic = adze_node_text (call->node, "auto_pad", "NOTSET");
  if (strcmp (automatic, "NOTSET") == 0 || automatic[0] == '\0')
    return pads_of (call, dims, w);
  if (strcmp (automatic, "SAME_UPPER") == 0 || strcmp (automatic, "SAME_LOWER") == 0)
    pad_same (w, automatic[5] == 'U');
  else if (strcmp (automatic, "VALID") != 0)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "auto_pad is '%s'; there are NOTSET, SAME_UPPER, SAME_LOWER and VALID",
                       automatic);
  return ADZE_OK;
}

adze_status
ref_window_of (ref_call *call, const adze_view *over, const adze_view *positions,
               const int64_t *kernel, ref_window *w)
{
  *w = (ref_window){ .in = { 1, 1, 1 }, .out = { 1, 1, 1 } };
  int dims = over->rank - 2;
  if (dims < 1 || dims > 3 || positions->rank != over->rank)
    return ref_refuse (call, ADZE_E_UNSUPPORTED,
                       "it has %d dimensions here and %d there; batch, channels and one to three "
                       "more are what there is",
                       over->rank, positions->rank);
  for (int d = 0; d < dims; d++) {
    w->in[d + 3 - dims] = over->shape[d + 2];
    w->out[d + 3 - dims] = positions->shape[d + 2];
  }
  /* A tensor of no elements may have any size in its other dimensions. */
  if (too_large (w->in) || too_large (w->out))
    return ref_refuse (call, ADZE_E_LIMIT, "an image is larger than can be counted");
  adze_status status = sizes_of (call, "strides", dims, 1, 1, w->stride);
  if (status == ADZE_OK)
    status = sizes_of (call, "dilations", dims, 1, 1, w->dilation);
  if (status == ADZE_OK)
    status = kernel_of (call, dims, kernel, w);
  if (status == ADZE_OK && too_large (w->kernel))
    return ref_refuse (call, ADZE_E_LIMIT, "its kernel is larger than can be counted");
  if (status == ADZE_OK)
    status = padding_of (call, dims, w);
  return status;
}

adze_status
ref_window_transposed (ref_call *call, ref_window *w)
{
  const char *automatic = adze_node_text (call->node, "auto_pad", "NOTSET");
  bool same = strncmp (automatic, "SAME_", 5) == 0;
  size_t count;
  if (!same && !adze_node_ints (call->node, "output_shape", &count))
    return ADZE_OK;
  int64_t more[3];
  const int64_t *padding = adze_node_ints (call->node, "output_padding", &count);
  for (int d = 0; d < 3; d++) {
    size_t at = (size_t)d + count - 3; /* beyond COUNT for those in front */
    more[d] = padding && count <= 3 && at < count ? padding[at] : 0;
    if (more[d] < 0 || more[d] > SIZE_MOST)
      return ref_refuse (call, ADZE_E_FORMAT, "output_padding has a number that is not from 0 to "
                         "%lld", (long long)SIZE_MOST);
    int64_t total = (w->out[d] - 1) * w->stride[d] + more[d] + extent (w, d) - w->in[d];
    total = ref_most (total, 0);
    w->before[d] = strcmp (automatic, "SAME_UPPER") == 0 ? total / 2 : total - total / 2;
    w->after[d] = total - w->before[d];
  }
  return ADZE_OK;
}

adze_status
ref_window_fits (ref_call *call, const ref_window *w)
{
  for (int d = 0; d < 3; d++) {
    int64_t room = w->in[d] + w->before[d] + w->after[d] - extent (w, d);
    int64_t fit = room < 0 ? 0 : room / w->stride[d] + 1;
    if (w->out[d] != fit)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "a kernel that spans %lld of %lld elements has %lld positions, and the "
                         "other side has %lld",
                         (long long)extent (w, d), (long long)w->in[d], (long long)fit,
                         (long long)w->out[d]);
  }
  return ADZE_OK;
}
