/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: all that adze.train/1 needs to go on, and then, under a name of its own so that the
 * former is not copied, a head with the epochs so far.
 *
 * Two places are written in turn, the head last. One that is being replaced when the process is killed
 * has an older head, if any, than the other, which is whole and is taken. */
#include <string.h>

#include "train.h"

typedef struct head {
  char mark[8];
  uint64_t serial; /* from 1: training that diverged goes back, so that steps do not tell which is newer */
  uint64_t step;
  uint64_t epochs; /* of them a train_epoch each */
  train_facts facts;
} head;

static const char mark[8] = { 't', 'r', 'a', 'i', 'n', '.', '2', '\n' };
static const char *const places[] = { "train.0", "train.1" };
static const char *const heads[] = { "train.0.head", "train.1.head" };

adze_status
train_remember (train_run *t, const train_epoch *epoch)
{
  if (t->history_count == t->history_room) {
    size_t room = t->history_room ? t->history_room * 2 : 16;
    train_epoch *grown = (train_epoch *)t->host->allocate (t->host, room * sizeof *grown);
    if (!grown)
      return adze_fail (t->host, ADZE_E_MEMORY, "no room for what is known of %zu epochs", room);
    if (t->history_count > 0)
      memcpy (grown, t->history, t->history_count * sizeof *grown);
    t->host->release (t->host, t->history);
    t->history = grown;
    t->history_room = room;
  }
  t->history[t->history_count++] = *epoch;
  return ADZE_OK;
}

/* ---- Saved. */

/* From 1, as people count them: the one that STEP, of which 0 is in front of the first, was done in. */
static unsigned long long
epoch_of (const train_run *t, uint64_t step)
{
  return (unsigned long long)(step ? (step - 1) / t->feed.batches + 1 : 1);
}

/* Written is the place that the last one does not lie in, so that this is there as it was. */
static adze_status
tell_unwritten (const train_run *t, adze_status status, uint64_t step)
{
  char before[120] = "there is none before it";
  if (t->saved_step > 0)
    snprintf (before, sizeof before, "the one before, of step %llu (epoch %llu), is still there",
              (unsigned long long)t->saved_step, epoch_of (t, t->saved_step));
  return adze_fail (t->host, status,
                    "the checkpoint of step %llu (epoch %llu) could not be written; %s; once the cause "
                    "is gone the same run %s",
                    (unsigned long long)step, epoch_of (t, step), before,
                    t->saved_step > 0 ? "goes on from that" : "can be begun again");
}

static adze_status
write_both (train_run *t, uint64_t serial, const void *bytes, size_t size, const adze_bytes *head_bytes)
{
  adze_status status = t->run->save (t->host, t->context, places[serial % 2], bytes, size);
  return status == ADZE_OK ? t->run->save (t->host, t->context, heads[serial % 2], head_bytes->data,
                                           head_bytes->size)
                           : status;
}

adze_status
train_save (train_run *t)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_bytes head_bytes = { 0 };
  adze_train_progress_info progress = { .struct_size = sizeof progress };
  t->train->progress (t->host, t->training, &progress);
  /* Of more epochs than these there is something to be told where it has gone back. */
  head h = { .serial = t->saves + 1, .step = progress.step, .epochs = progress.epoch,
             .facts = t->facts };
  memcpy (h.mark, mark, sizeof mark);
  if (progress.step == t->saved_step)
    return ADZE_OK;
  adze_status status = t->train->save (t->host, t->training, &bytes, &size);
  if (status == ADZE_OK)
    status = adze_bytes_add (t->host, &head_bytes, &h, sizeof h);
  if (status == ADZE_OK)
    status = adze_bytes_add (t->host, &head_bytes, t->history,
                             (size_t)h.epochs * sizeof *t->history);
  if (status == ADZE_OK) {
    status = write_both (t, h.serial, bytes, size, &head_bytes);
    if (status != ADZE_OK)
      status = tell_unwritten (t, status, h.step);
  }
  adze_bytes_release (t->host, &head_bytes);
  if (status == ADZE_OK) {
    t->saved_step = progress.step;
    t->saves++;
  }
  return status;
}

adze_status
train_tell_kept (const train_run *t)
{
  if (t->saved_step > 0)
    return adze_fail (t->host, ADZE_E_LIMIT,
                      "training ended early, and kept is the checkpoint of step %llu (epoch %llu)",
                      (unsigned long long)t->saved_step, epoch_of (t, t->saved_step));
  return adze_fail (t->host, ADZE_E_LIMIT, "training ended early, and no checkpoint is kept: %s",
                    t->save_epochs + t->save_steps > 0
                        ? "nothing was learnt before, and the weights are those that training began with"
                        : "'checkpoint' and 'checkpoint-steps' are 0");
}

/* ---- Found again. */

/* False: there is none that is whole. */
static bool
take_head (const void *data, size_t size, head *h)
{
  if (size < sizeof *h || memcmp (data, mark, sizeof mark) != 0)
    return false;
  memcpy (h, data, sizeof *h);
  return h->epochs <= (size - sizeof *h) / sizeof (train_epoch);
}

static adze_status
take_epochs (train_run *t, const void *data, const head *h)
{
  const char *at = (const char *)data + sizeof *h;
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < h->epochs; i++) {
    train_epoch epoch;
    memcpy (&epoch, at + i * sizeof epoch, sizeof epoch);
    status = train_remember (t, &epoch);
    if (status == ADZE_OK)
      status = train_tell_epoch (t, (size_t)i);
  }
  return status;
}

adze_status
train_resume (train_run *t)
{
  const void *data = NULL;
  size_t size = 0;
  head found = { .serial = 0 }, h;
  for (unsigned i = 0; i < 2; i++) {
    adze_status status = t->run->load (t->host, t->context, heads[i], &data, &size);
    if (status != ADZE_OK)
      return status;
    if (take_head (data, size, &h) && h.serial > found.serial)
      found = h;
  }
  t->saves = found.serial;
  if (found.step == 0) /* there is none, or all that was learnt was given up */
    return ADZE_OK;
  adze_status status
      = t->run->load (t->host, t->context, places[found.serial % 2], &data, &size);
  if (status == ADZE_OK)
    status = t->train->load (t->host, t->training, data, size);
  if (status == ADZE_OK)
    status = t->run->load (t->host, t->context, heads[found.serial % 2], &data, &size);
  if (status == ADZE_OK)
    status = take_epochs (t, data, &found);
  if (status != ADZE_OK)
    return status;
  t->saved_step = found.step;
  t->facts = found.facts;
  adze_log (t->host, ADZE_LOG_INFO, "goes on from the checkpoint of step %llu of %llu",
            (unsigned long long)found.step, (unsigned long long)t->total);
  return ADZE_OK;
}
