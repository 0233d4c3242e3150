/* SPDX-License-Identifier: Apache-2.0 */
/* detect.c: NonMaxSuppression. The host selects as well, to know how many boxes there will be; so
 * this is in floats and step by step as it is there: a difference in the last digit could be one of
 * a box. */
#include "nn.h"
#include "work.h"

typedef struct box {
  float top, left, bottom, right;
} box;

typedef struct suppression {
  int64_t batches, classes, boxes, most;
  float overlap, least_score;
  bool limited; /* by the least score */
  bool center; /* boxes are center and size; otherwise any two opposite corners */
  const float *box, *scores;
} suppression;

static box
box_of (const suppression *job, int64_t batch, int64_t index)
{
  const float *n = job->box + (batch * job->boxes + index) * 4;
  if (job->center)
    return (box){ n[1] - n[3] / 2, n[0] - n[2] / 2, n[1] + n[3] / 2, n[0] + n[2] / 2 };
  return (box){ n[0] < n[2] ? n[0] : n[2], n[1] < n[3] ? n[1] : n[3], n[0] < n[2] ? n[2] : n[0],
                n[1] < n[3] ? n[3] : n[1] };
}

static float
area_of (box b)
{
  return (b.bottom - b.top) * (b.right - b.left);
}

/* Does the common part exceed its share of all that both cover? */
static bool
overlap (const suppression *job, box a, box b)
{
  box common = { a.top > b.top ? a.top : b.top, a.left > b.left ? a.left : b.left,
                 a.bottom < b.bottom ? a.bottom : b.bottom, a.right < b.right ? a.right : b.right };
  if (common.bottom <= common.top || common.right <= common.left)
    return false;
  float both = area_of (common), all = area_of (a) + area_of (b) - both;
  return all > 0 && both / all > job->overlap;
}

/* The box of the best score that is neither taken nor suppressed; of equal ones the first. -1: none
 * is above the least score. */
static int64_t
best_of (const suppression *job, const float *scores, const bool *gone)
{
  int64_t best = -1;
  for (int64_t i = 0; i < job->boxes; i++)
    if (!gone[i] && (!job->limited || scores[i] > job->least_score)
        && (best < 0 || scores[i] > scores[best]))
      best = i;
  return best;
}

/* Those of one class, with the best first. Returns how many there are. */
static int64_t
select_class (const suppression *job, int64_t batch, int64_t class, bool *gone, int64_t *chosen)
{
  const float *scores = job->scores + (batch * job->classes + class) * job->boxes;
  int64_t count = 0;
  memset (gone, 0, (size_t)job->boxes * sizeof *gone);
  for (int64_t best; count < job->most && (best = best_of (job, scores, gone)) >= 0;) {
    box taken = box_of (job, batch, best);
    chosen[count++] = best;
    gone[best] = true;
    for (int64_t i = 0; i < job->boxes; i++)
      gone[i] = gone[i] || overlap (job, taken, box_of (job, batch, i));
  }
  return count;
}

/* Rows of batch, class and box. The host says how many there are, for it has to make room. */
static adze_status
select_all (ref_call *call, const suppression *job, bool *gone, int64_t *chosen)
{
  const adze_view *out = call->outputs[0];
  int64_t *to = adze_view_data (out), rows = 0;
  for (int64_t batch = 0; batch < job->batches; batch++)
    for (int64_t class = 0; class < job->classes; class++) {
      int64_t count = select_class (job, batch, class, gone, chosen);
      if (count > out->shape[0] - rows)
        return ref_refuse (call, ADZE_E_CONTRACT, "more boxes are selected than there is room for, "
                           "which is %lld", (long long)out->shape[0]);
      for (int64_t i = 0; i < count; i++, rows++) {
        to[3 * rows] = batch;
        to[3 * rows + 1] = class;
        to[3 * rows + 2] = chosen[i];
      }
    }
  return rows == out->shape[0] ? ADZE_OK
                               : ref_refuse (call, ADZE_E_CONTRACT,
                                             "%lld boxes are selected, and room is for %lld",
                                             (long long)rows, (long long)out->shape[0]);
}

/* boxes, scores, max_output_boxes_per_class, iou_threshold, score_threshold */
adze_status
ref_non_max_suppression (ref_call *call)
{
  const adze_view *boxes = ref_in (call, 0), *scores = ref_in (call, 1), *out = ref_out (call, 0);
  if (!boxes || !scores || boxes->rank != 3 || scores->rank != 3 || boxes->shape[2] != 4
      || boxes->shape[0] != scores->shape[0] || boxes->shape[1] != scores->shape[2])
    return ref_refuse (call, ADZE_E_FORMAT, "boxes [batch, boxes, 4] and scores [batch, classes, "
                       "boxes] do not fit each other");
  if (ref_view_type (boxes) != REF_F32 || ref_view_type (scores) != REF_F32)
    return ref_refuse_type (call, ref_view_type (boxes) != REF_F32 ? 0 : 1);
  if (!out || ref_view_type (out) != REF_I64 || out->rank != 2 || out->shape[1] != 3)
    return ref_refuse (call, ADZE_E_FORMAT, "its output must be rows of three int64");
  bool any = adze_view_count (scores) > 0;
  ref_work work = ref_work_begin (call);
  suppression job = { .batches = any ? scores->shape[0] : 0,
                      .classes = any ? scores->shape[1] : 0,
                      .boxes = any ? scores->shape[2] : 0,
                      .center = adze_node_int (call->node, "center_point_box", 0) != 0,
                      .overlap = (float)ref_work_scalar (&work, 3, 0),
                      .limited = ref_in (call, 4) != NULL,
                      .least_score = (float)ref_work_scalar (&work, 4, 0),
                      .box = adze_view_data (boxes),
                      .scores = adze_view_data (scores) };
  double most = ref_work_scalar (&work, 2, 0);
  job.most = most > 0 ? (most < (double)job.boxes ? (int64_t)most : job.boxes) : 0;
  bool *gone = ref_work_room (&work, (size_t)job.boxes, sizeof *gone);
  int64_t *chosen = ref_work_room (&work, (size_t)job.boxes, sizeof *chosen);
  return work.status == ADZE_OK ? select_all (call, &job, gone, chosen) : work.status;
}
