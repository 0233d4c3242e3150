/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: when there is a cut, and how deep it is. */
#include "trim.h"

#include <math.h>

uint64_t
trim_cut_step (const trim *t, uint64_t number)
{
  double total = (double)t->lesson.total;
  double first = floor (t->begin * total + 0.5), last = floor (t->end * total + 0.5);
  return t->cuts < 2 ? (uint64_t)first
                     : (uint64_t)floor (first + (last - first) * (double)(number - 1) / (double)(t->cuts - 1) + 0.5);
}

/* The cubic one takes much while there is much to spare, and goes carefully at the end. */
double
trim_cut_depth (const trim *t, uint64_t number)
{
  double left = 1 - (double)number / (double)t->cuts;
  return t->growth == TRIM_CUBIC ? 1 - left * left * left : 1 - left;
}

/* How many cuts are to be done behind STEP steps. */
static uint64_t
count_due (const trim *t, uint64_t step)
{
  uint64_t due = t->done;
  while (due < t->cuts && trim_cut_step (t, due + 1) <= step)
    due++;
  return due;
}

static bool
is_saved (const trim *t)
{
  return t->lesson.save_epochs + t->lesson.save_steps > 0;
}

/* What asks for no more than there is was meant otherwise. */
static adze_status
check_gone (const trim *t)
{
  if (t->done < t->cuts || trim_count_gone (t) > t->before)
    return ADZE_OK;
  return adze_fail (t->lesson.host, ADZE_E_PARAM,
                    "the last cut is done, and nothing went in any: of %llu %s that take part %llu are zero already, and no "
                    "more are asked for, or 'min-kept'%s leaves no more; ask for a larger share",
                    (unsigned long long)trim_count_all (t), t->by_channels ? "channels" : "weights",
                    (unsigned long long)t->before, t->by_channels ? " or 'multiple'" : "");
}

/* The masks first: see masks.c. */
static adze_status
save (trim *t)
{
  adze_status status = is_saved (t) ? trim_save_masks (t) : ADZE_OK;
  return status == ADZE_OK && is_saved (t) ? adze_lesson_save (&t->lesson) : status;
}

adze_status
trim_cut_at (trim *t, uint64_t step)
{
  uint64_t due = count_due (t, step);
  if (due == t->done)
    return ADZE_OK;
  adze_status status = trim_score (t, step);
  if (status == ADZE_OK)
    status = trim_choose (t, trim_cut_depth (t, due));
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; i < t->count; i++)
    trim_set_factors (&t->tensors[i]);
  t->done = due;
  status = check_gone (t);
  if (status == ADZE_OK)
    status = trim_tell_cut (t, step);
  return status == ADZE_OK ? save (t) : status;
}

/* A checkpoint is of the step in front of a cut where that was killed before its masks were kept: then the cut is
 * made now. Elsewhere they must be there. */
adze_status
trim_resume (trim *t)
{
  adze_train_progress_info progress;
  memset (&progress, 0, sizeof progress);
  progress.struct_size = sizeof progress;
  t->lesson.train->progress (t->lesson.host, t->lesson.training, &progress);
  trim_take_zeros (t);
  t->before = trim_count_gone (t);
  uint64_t due = count_due (t, progress.step);
  adze_status status = progress.step > 0 ? trim_load_masks (t, due) : ADZE_OK;
  if (status != ADZE_OK || t->done == due)
    return status;
  if (trim_cut_step (t, due) == progress.step)
    return trim_cut_at (t, progress.step);
  return adze_fail (t->lesson.host, ADZE_E_FORMAT,
                    "the checkpoint of step %llu is there, and the masks of cut %llu are not; with --fresh the run "
                    "begins anew",
                    (unsigned long long)progress.step, (unsigned long long)due);
}
