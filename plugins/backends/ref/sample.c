/* SPDX-License-Identifier: Apache-2.0 */
/* sample.c: GridSample. */
#include "nn.h"
#include "work.h"

#include <math.h>

typedef enum outside { OUTSIDE_ZERO, OUTSIDE_BORDER, OUTSIDE_REFLECTED } outside;

typedef struct sample_job {
  int64_t channels, height, width, places; /* PLACES: of one grid */
  const char *mode;
  outside outside;
  bool align;
  const double *from, *grid;
  double *to;
} sample_job;

/* ---- Places. */

/* From -1 .. 1 to elements: the outermost ones' middles, or their outer edges, are at -1 and 1. */
static double
place_of (const sample_job *job, double x, int64_t size)
{
  return job->align ? (x + 1) / 2 * (double)(size - 1) : ((x + 1) * (double)size - 1) / 2;
}

/* Thrown back at both ends as often as needed. */
static double
reflect (const sample_job *job, double x, int64_t size)
{
  double low = job->align ? 0 : -0.5, span = job->align ? (double)(size - 1) : (double)size;
  if (span <= 0)
    return 0;
  double away = fabs (x - low), turns = floor (away / span), rest = away - turns * span;
  return low + (fmod (turns, 2) == 0 ? rest : span - rest);
}

/* What a place that may be outside stands for. */
static double
settle (const sample_job *job, double x, int64_t size)
{
  if (!(fabs (x) < 1e15))
    x = -1e15;
  if (job->outside == OUTSIDE_ZERO)
    return x;
  if (job->outside == OUTSIDE_REFLECTED)
    x = reflect (job, x, size);
  return fmin (fmax (x, 0), (double)(size - 1));
}

/* ---- Numbers. */

static double
number_at (const sample_job *job, const double *image, double y, double x)
{
  if (!(y >= 0 && y < (double)job->height && x >= 0 && x < (double)job->width))
    return 0;
  return image[(int64_t)y * job->width + (int64_t)x];
}

static double
bilinear (const sample_job *job, const double *image, double y, double x)
{
  y = settle (job, y, job->height);
  x = settle (job, x, job->width);
  double top = floor (y), left = floor (x), dy = y - top, dx = x - left;
  return number_at (job, image, top, left) * (1 - dy) * (1 - dx)
         + number_at (job, image, top, left + 1) * (1 - dy) * dx
         + number_at (job, image, top + 1, left) * dy * (1 - dx)
         + number_at (job, image, top + 1, left + 1) * dy * dx;
}

static double
nearest (const sample_job *job, const double *image, double y, double x)
{
  y = settle (job, y, job->height);
  x = settle (job, x, job->width);
  return number_at (job, image, nearbyint (y), nearbyint (x));
}

/* Here each of the 16 neighbours is settled, not the place itself. */
static double
bicubic (const sample_job *job, const double *image, double y, double x)
{
  if (!(fabs (y) < 1e15 && fabs (x) < 1e15))
    y = x = -1e15;
  double top = floor (y), left = floor (x), down[4], across[4], sum = 0;
  ref_cubic_weights (-0.75, y - top, down);
  ref_cubic_weights (-0.75, x - left, across);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++)
      sum += down[i] * across[j]
             * number_at (job, image, settle (job, top - 1 + i, job->height),
                          settle (job, left - 1 + j, job->width));
  return sum;
}

/* Items are planes of the result. */
static adze_status
sample_piece (void *argument, size_t first, size_t last)
{
  const sample_job *job = (const sample_job *)argument;
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++) {
    const double *image = job->from + plane * job->height * job->width;
    const double *grid = job->grid + plane / job->channels * job->places * 2;
    for (int64_t i = 0; i < job->places; i++) {
      double x = place_of (job, grid[2 * i], job->width);
      double y = place_of (job, grid[2 * i + 1], job->height);
      job->to[plane * job->places + i]
          = ref_is (job->mode, "bilinear")  ? bilinear (job, image, y, x)
            : ref_is (job->mode, "nearest") ? nearest (job, image, y, x)
                                            : bicubic (job, image, y, x);
    }
  }
  return ADZE_OK;
}

/* ---- Reading the node. */

static adze_status
attributes_of (ref_call *call, sample_job *job)
{
  const char *padding = adze_node_text (call->node, "padding_mode", "zeros");
  job->mode = adze_node_text (call->node, "mode", "bilinear");
  job->align = adze_node_int (call->node, "align_corners", 0) != 0;
  job->outside = ref_is (padding, "border")       ? OUTSIDE_BORDER
                 : ref_is (padding, "reflection") ? OUTSIDE_REFLECTED
                                                  : OUTSIDE_ZERO;
  if (job->outside == OUTSIDE_ZERO && !ref_is (padding, "zeros"))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "padding_mode '%s' is not known", padding);
  if (!ref_is (job->mode, "bilinear") && !ref_is (job->mode, "nearest")
      && !ref_is (job->mode, "bicubic"))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "mode '%s' is not known", job->mode);
  return ADZE_OK;
}

adze_status
ref_grid_sample (ref_call *call)
{
  const adze_view *in = ref_in (call, 0), *grid = ref_in (call, 1), *out = ref_out (call, 0);
  sample_job job = { .mode = NULL };
  adze_status status = attributes_of (call, &job);
  if (status != ADZE_OK)
    return status;
  if (!in || !grid || !out || in->rank != 4 || grid->rank != 4 || out->rank != 4
      || grid->shape[3] != 2 || in->shape[0] != grid->shape[0] || out->shape[0] != in->shape[0]
      || out->shape[1] != in->shape[1] || out->shape[2] != grid->shape[1]
      || out->shape[3] != grid->shape[2])
    return ref_refuse (call, ADZE_E_FORMAT, "X [N, C, H, W], grid [N, h, w, 2] and its output "
                       "[N, C, h, w] do not fit each other");
  if (ref_is_empty (call))
    return ADZE_OK;
  job.channels = in->shape[1];
  job.height = in->shape[2];
  job.width = in->shape[3];
  job.places = grid->shape[1] * grid->shape[2];
  if (job.height == 0 || job.width == 0)
    return ref_refuse (call, ADZE_E_FORMAT, "there is nothing in an image to sample");
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.grid = ref_work_in (&work, 1);
  job.to = ref_work_out (&work, 0);
  return ref_work_run (&work, (size_t)(in->shape[0] * job.channels), ref_cost (job.places, 64, 1),
                       sample_piece, &job);
}
