/* SPDX-License-Identifier: Apache-2.0 */
/* roi.c: RoiAlign and MaxRoiPool: parts of images brought to one size. */
#include "nn.h"
#include "work.h"

#include <math.h>

/* Samples of one element in each direction, at most: a part may say that it is of any size. */
#define SAMPLES_MOST 4096.0

typedef struct roi_job {
  int64_t batch, channels, height, width; /* of the images */
  int64_t rows, columns;                  /* of the result */
  double scale;
  bool half_pixel, largest;
  int64_t samples; /* in each direction; 0: by the size of the part */
  const double *from, *rois;
  const int64_t *of_batch;
  double *to;
} roi_job;

/* ---- Shapes. */

static adze_status
sizes_of (ref_call *call, roi_job *job, int64_t roi_size)
{
  const adze_view *in = ref_in (call, 0), *rois = ref_in (call, 1), *out = ref_out (call, 0);
  if (!in || !rois || !out || in->rank != 4 || rois->rank != 2 || rois->shape[1] != roi_size
      || out->rank != 4 || out->shape[0] != rois->shape[0] || out->shape[1] != in->shape[1])
    return ref_refuse (call, ADZE_E_FORMAT, "X [N, C, H, W], rois [R, %lld] and its output "
                       "[R, C, h, w] do not fit each other", (long long)roi_size);
  job->batch = in->shape[0];
  job->channels = in->shape[1];
  job->height = in->shape[2];
  job->width = in->shape[3];
  job->rows = out->shape[2];
  job->columns = out->shape[3];
  job->scale = (double)adze_node_float (call->node, "spatial_scale", 1);
  return ADZE_OK;
}

static adze_status
refuse_image (ref_call *call, double index, int64_t batch)
{
  return ref_refuse (call, ADZE_E_FORMAT, "a region is of image %g, and there are %lld", index,
                     (long long)batch);
}

static const double *
image_of (const roi_job *job, int64_t batch, int64_t channel)
{
  return job->from + (batch * job->channels + channel) * job->height * job->width;
}

/* ---- RoiAlign. */

/* Between four elements; nothing a whole element outside. */
static double
between (const roi_job *job, const double *image, double y, double x)
{
  if (!(y >= -1 && y <= (double)job->height && x >= -1 && x <= (double)job->width))
    return 0;
  y = fmin (fmax (y, 0), (double)(job->height - 1));
  x = fmin (fmax (x, 0), (double)(job->width - 1));
  int64_t top = (int64_t)y, left = (int64_t)x;
  int64_t bottom = ref_least (top + 1, job->height - 1),
          right = ref_least (left + 1, job->width - 1);
  double dy = y - (double)top, dx = x - (double)left;
  return image[top * job->width + left] * (1 - dy) * (1 - dx)
         + image[top * job->width + right] * (1 - dy) * dx
         + image[bottom * job->width + left] * dy * (1 - dx)
         + image[bottom * job->width + right] * dy * dx;
}

/* What one element of the result covers: from where, how far, and how many samples. */
typedef struct cell {
  double top, left, height, width;
  int64_t down, across;
} cell;

static double
cell_value (const roi_job *job, const double *image, const cell *c)
{
  double sum = 0, most = -INFINITY;
  for (int64_t i = 0; i < c->down; i++)
    for (int64_t j = 0; j < c->across; j++) {
      double y = c->top + ((double)i + 0.5) * c->height / (double)c->down;
      double x = c->left + ((double)j + 0.5) * c->width / (double)c->across;
      double number = between (job, image, y, x);
      sum += number;
      most = fmax (most, number);
    }
  int64_t count = c->down * c->across;
  return count == 0 ? 0 : job->largest ? most : sum / (double)count;
}

/* Items are regions times channels. */
static adze_status
align_piece (void *argument, size_t first, size_t last)
{
  const roi_job *job = (const roi_job *)argument;
  for (int64_t item = (int64_t)first; item < (int64_t)last; item++) {
    int64_t region = item / job->channels;
    const double *roi = job->rois + region * 4;
    const double *image = image_of (job, job->of_batch[region], item % job->channels);
    double shift = job->half_pixel ? 0.5 : 0;
    double left = roi[0] * job->scale - shift, top = roi[1] * job->scale - shift;
    double width = roi[2] * job->scale - shift - left, height = roi[3] * job->scale - shift - top;
    if (!job->half_pixel) {
      width = fmax (width, 1);
      height = fmax (height, 1);
    }
    cell c = { .height = height / (double)job->rows, .width = width / (double)job->columns };
    c.down = job->samples ? job->samples : (int64_t)ceil (fmin (fmax (c.height, 0), SAMPLES_MOST));
    c.across = job->samples ? job->samples : (int64_t)ceil (fmin (fmax (c.width, 0), SAMPLES_MOST));
    for (int64_t i = 0; i < job->rows * job->columns; i++) {
      c.top = top + (double)(i / job->columns) * c.height;
      c.left = left + (double)(i % job->columns) * c.width;
      job->to[item * job->rows * job->columns + i] = cell_value (job, image, &c);
    }
  }
  return ADZE_OK;
}

/* Does each region name an image, and is it of a size that can be sampled? */
static adze_status
check_regions (ref_call *call, const roi_job *job)
{
  for (int64_t i = 0; i < call->outputs[0]->shape[0]; i++) {
    const double *roi = job->rois + i * 4;
    if (job->of_batch[i] < 0 || job->of_batch[i] >= job->batch)
      return refuse_image (call, (double)job->of_batch[i], job->batch);
    double most = SAMPLES_MOST / fmax (1, fabs (job->scale));
    for (int k = 0; !job->samples && k < 2; k++)
      if (!(roi[k + 2] - roi[k] <= most * (double)(k == 0 ? job->columns : job->rows)))
        return ref_refuse (call, ADZE_E_LIMIT, "region %lld is too large to be sampled",
                           (long long)i);
  }
  return ADZE_OK;
}

adze_status
ref_roi_align (ref_call *call)
{
  const char *mode = adze_node_text (call->node, "mode", "avg");
  const char *pixel = adze_node_text (call->node, "coordinate_transformation_mode", "half_pixel");
  roi_job job = { .largest = ref_is (mode, "max"),
                  .half_pixel = ref_is (pixel, "half_pixel"),
                  .samples = adze_node_int (call->node, "sampling_ratio", 0) };
  if (!job.largest && !ref_is (mode, "avg"))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "mode '%s' is not known", mode);
  if (!job.half_pixel && !ref_is (pixel, "output_half_pixel"))
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "coordinate_transformation_mode '%s' is not known",
                       pixel);
  if (job.samples < 0 || (double)job.samples > SAMPLES_MOST)
    return ref_refuse (call, ADZE_E_FORMAT, "sampling_ratio is %lld; it must be from 0 to %g",
                       (long long)job.samples, SAMPLES_MOST);
  adze_status status = sizes_of (call, &job, 4);
  if (status == ADZE_OK)
    status = ref_need (call, 2, "batch_indices");
  if (status == ADZE_OK)
    status = ref_need_count (call, 2, "batch_indices", (size_t)call->inputs[1]->shape[0]);
  if (status != ADZE_OK || ref_is_empty (call))
    return status;
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.rois = ref_work_in (&work, 1);
  job.of_batch = ref_work_ints (&work, 2);
  job.to = ref_work_out (&work, 0);
  if (work.status == ADZE_OK)
    work.status = job.height > 0 && job.width > 0
                      ? check_regions (call, &job)
                      : ref_refuse (call, ADZE_E_FORMAT, "there is nothing in an image to sample");
  return ref_work_run (&work, (size_t)(call->outputs[0]->shape[0] * job.channels),
                       ref_cost (job.rows, job.columns, 64), align_piece, &job);
}

/* ---- MaxRoiPool. */

/* Elements of a dimension of SIZE that cell INDEX of a region covers: FIRST to LAST - 1. */
static void
covered (double start, double cell_size, int64_t index, int64_t size, int64_t *first, int64_t *last)
{
  double from = floor ((double)index * cell_size) + start;
  double to = ceil ((double)(index + 1) * cell_size) + start;
  *first = (int64_t)fmin (fmax (from, 0), (double)size);
  *last = (int64_t)fmin (fmax (to, 0), (double)size);
}

static adze_status
max_piece (void *argument, size_t first, size_t last)
{
  const roi_job *job = (const roi_job *)argument;
  for (int64_t item = (int64_t)first; item < (int64_t)last; item++) {
    const double *roi = job->rois + item / job->channels * 5;
    const double *image = image_of (job, (int64_t)roi[0], item % job->channels);
    double left = round (roi[1] * job->scale), top = round (roi[2] * job->scale);
    double width = fmax (round (roi[3] * job->scale) - left + 1, 1) / (double)job->columns;
    double height = fmax (round (roi[4] * job->scale) - top + 1, 1) / (double)job->rows;
    for (int64_t i = 0; i < job->rows * job->columns; i++) {
      int64_t y, x, y_end, x_end;
      covered (top, height, i / job->columns, job->height, &y, &y_end);
      covered (left, width, i % job->columns, job->width, &x, &x_end);
      double most = y < y_end && x < x_end ? -INFINITY : 0;
      for (; y < y_end; y++)
        for (int64_t at = x; at < x_end; at++)
          most = fmax (most, image[y * job->width + at]);
      job->to[item * job->rows * job->columns + i] = most;
    }
  }
  return ADZE_OK;
}

adze_status
ref_max_roi_pool (ref_call *call)
{
  roi_job job = { .largest = true };
  adze_status status = sizes_of (call, &job, 5);
  if (status != ADZE_OK || ref_is_empty (call))
    return status;
  ref_work work = ref_work_begin (call);
  job.from = ref_work_in (&work, 0);
  job.rois = ref_work_in (&work, 1);
  job.to = ref_work_out (&work, 0);
  for (int64_t i = 0; work.status == ADZE_OK && i < call->outputs[0]->shape[0]; i++)
    if (!(job.rois[i * 5] >= 0 && job.rois[i * 5] < (double)job.batch))
      work.status = refuse_image (call, job.rois[i * 5], job.batch);
  return ref_work_run (&work, (size_t)(call->outputs[0]->shape[0] * job.channels),
                       ref_cost (job.height, job.width, 1), max_piece, &job);
}
