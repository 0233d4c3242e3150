/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: kernel, strides, dilations and pads of a node. The host has checked them against the
 * shapes; here they become what oneDNN calls them. */
#include "onednn.h"

static bool
read_sizes (const adze_graph_node *node, const char *name, size_t wanted, int64_t preset,
            int64_t *into)
{
  size_t count;
  const int64_t *sizes = adze_node_ints (node, name, &count);
  if (sizes && count != wanted)
    return false;
  for (size_t i = 0; i < wanted; i++)
    into[i] = sizes ? sizes[i] : preset;
  return true;
}

static int64_t
reach (const onednn_window *w, int d)
{
  return (w->kernel[d] - 1) * (w->dilations[d] + 1) + 1;
}

/* Pads such that there are as many positions as strides in the image; the odd one goes to the end
 * or, for SAME_LOWER, to the beginning. */
static void
pad_same (onednn_window *w, const int64_t *image, const int64_t *positions, bool lower)
{
  for (int d = 0; d < w->dims; d++) {
    int64_t all = (positions[d] - 1) * w->strides[d] + reach (w, d) - image[d];
    all = all > 0 ? all : 0;
    w->before[d] = lower ? all - all / 2 : all / 2;
    w->after[d] = all - w->before[d];
  }
}

/* With ceil_mode the last position may look beyond the pads. */
static void
pad_for_last (onednn_window *w, const int64_t *image, const int64_t *positions)
{
  for (int d = 0; d < w->dims; d++) {
    int64_t needed = (positions[d] - 1) * w->strides[d] + reach (w, d) - image[d] - w->before[d];
    if (needed > w->after[d])
      w->after[d] = needed;
  }
}

adze_status
onednn_window_of (const onednn_part *part, const adze_graph_value *over,
                  const adze_graph_value *positions, const int64_t *kernel, onednn_window *w)
{
  const adze_graph_node *node = part->node;
  int64_t pads[2 * DNNL_MAX_NDIMS];
  *w = (onednn_window){ .dims = over->rank - 2 };
  if (w->dims < 1 || w->dims > 3 || positions->rank != over->rank)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "it has %d dimensions; batch, channels and one to three more are "
                          "possible",
                          over->rank);
  size_t dims = (size_t)w->dims;
  if (!read_sizes (node, "strides", dims, 1, w->strides)
      || !read_sizes (node, "dilations", dims, 1, w->dilations)
      || !read_sizes (node, "kernel_shape", dims, 1, w->kernel)
      || !read_sizes (node, "pads", 2 * dims, 0, pads))
    return onednn_refuse (part, ADZE_E_FORMAT, "its attributes do not fit %d dimensions", w->dims);
  for (size_t d = 0; d < dims; d++) {
    w->kernel[d] = kernel ? kernel[d] : w->kernel[d];
    w->dilations[d]--;
    w->before[d] = pads[d];
    w->after[d] = pads[d + dims];
  }
  const char *automatic = adze_node_text (node, "auto_pad", "NOTSET");
  if (strncmp (automatic, "SAME_", 5) == 0)
    pad_same (w, over->shape + 2, positions->shape + 2, strcmp (automatic, "SAME_LOWER") == 0);
  else if (adze_node_int (node, "ceil_mode", 0))
    pad_for_last (w, over->shape + 2, positions->shape + 2);
  return ADZE_OK;
}
