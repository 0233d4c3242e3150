/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson_checkpoint.h: checkpoints of a lesson: all that adze.train/1 needs to go on, and then, under a
 * name of its own so that the former is not copied, a head with the epochs so far. Two places are written in turn,
 * the head last: one that is being replaced when the process is killed has an older head, if any, than the other,
 * which is whole and is taken. Should that one be damaged, the older head tells by a sum that what lies with it is not
 * its own. Tier: draft. All inline: what is compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_LESSON_CHECKPOINT_H
#define ADZE_DRAFT_LESSON_CHECKPOINT_H

#include <adze/draft/lesson_report.h>

ADZE_BEGIN_DECLS

typedef struct adze_lesson_head {
  char mark[8];
  uint64_t serial; /* from 1: training that diverged goes back, so that steps do not tell which is newer */
  uint64_t step;
  uint64_t epochs; /* of them a adze_lesson_epoch each */
  adze_lesson_facts facts;
  uint64_t sum; /* of the bytes that it is the head of */
} adze_lesson_head;

#define ADZE_LESSON_MARK "train.4"

/* Tells one checkpoint from another: damage is for the host to find. */
static inline uint64_t
adze_lesson_sum (const void *bytes, size_t size)
{
  const char *at = (const char *)bytes;
  uint64_t sum = size;
  for (size_t each; size > 0; at += each, size -= each) {
    uint64_t word = 0;
    each = size < sizeof word ? size : sizeof word;
    memcpy (&word, at, each);
    sum = (sum ^ word) * UINT64_C (0x9e3779b97f4a7c15);
    sum ^= sum >> 32;
  }
  return sum;
}

/* Where number SERIAL lies, and its head. */
typedef struct adze_lesson_place {
  char bytes[80];
  char head[80];
} adze_lesson_place;

static inline adze_lesson_place
adze_lesson_place_of (const adze_lesson *t, uint64_t serial)
{
  adze_lesson_place place;
  const char *name = t->name ? t->name : "train";
  snprintf (place.bytes, sizeof place.bytes, "%.60s.%u", name, (unsigned)(serial % 2));
  snprintf (place.head, sizeof place.head, "%.60s.%u.head", name, (unsigned)(serial % 2));
  return place;
}

static inline adze_status
adze_lesson_remember (adze_lesson *t, const adze_lesson_epoch *epoch)
{
  if (t->history_count == t->history_room) {
    size_t room = t->history_room ? t->history_room * 2 : 16;
    adze_lesson_epoch *grown = (adze_lesson_epoch *)t->host->allocate (t->host, room * sizeof *grown);
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
static inline unsigned long long
adze_lesson_epoch_of (const adze_lesson *t, uint64_t step)
{
  return (unsigned long long)(step ? (step - 1) / t->feed.batches + 1 : 1);
}

/* Written is the place that the last one does not lie in, so that this is there as it was. */
static inline adze_status
adze_lesson_tell_unwritten (const adze_lesson *t, adze_status status, uint64_t step)
{
  char before[120] = "there is none before it";
  if (t->saved_step > 0)
    snprintf (before, sizeof before, "the one before, of step %llu (epoch %llu), is still there",
              (unsigned long long)t->saved_step, adze_lesson_epoch_of (t, t->saved_step));
  return adze_fail (t->host, status,
                    "the checkpoint of step %llu (epoch %llu) could not be written; %s; once the cause "
                    "is gone the same run %s",
                    (unsigned long long)step, adze_lesson_epoch_of (t, step), before,
                    t->saved_step > 0 ? "goes on from that" : "can be begun again");
}

static inline adze_status
adze_lesson_write_both (adze_lesson *t, uint64_t serial, const void *bytes, size_t size, const adze_bytes *head_bytes)
{
  adze_lesson_place place = adze_lesson_place_of (t, serial);
  adze_status status = t->run->save (t->host, t->context, place.bytes, bytes, size);
  return status == ADZE_OK
             ? t->run->save (t->host, t->context, place.head, head_bytes->data, head_bytes->size)
             : status;
}

static inline adze_status
adze_lesson_save (adze_lesson *t)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_bytes head_bytes;
  adze_train_progress_info progress;
  adze_lesson_head h;
  memset (&head_bytes, 0, sizeof head_bytes);
  memset (&progress, 0, sizeof progress);
  memset (&h, 0, sizeof h);
  progress.struct_size = sizeof progress;
  t->train->progress (t->host, t->training, &progress);
  memcpy (h.mark, ADZE_LESSON_MARK, sizeof h.mark);
  h.serial = t->saves + 1;
  h.step = progress.step;
  /* Of more epochs than these there is something to be told where it has gone back. */
  h.epochs = progress.epoch;
  h.facts = t->facts;
  if (progress.step == t->saved_step)
    return ADZE_OK;
  adze_status status = t->train->save (t->host, t->training, &bytes, &size);
  if (status == ADZE_OK)
    h.sum = adze_lesson_sum (bytes, size);
  if (status == ADZE_OK)
    status = adze_bytes_add (t->host, &head_bytes, &h, sizeof h);
  if (status == ADZE_OK)
    status = adze_bytes_add (t->host, &head_bytes, t->history,
                             (size_t)h.epochs * sizeof *t->history);
  if (status == ADZE_OK) {
    status = adze_lesson_write_both (t, h.serial, bytes, size, &head_bytes);
    if (status != ADZE_OK)
      status = adze_lesson_tell_unwritten (t, status, h.step);
  }
  adze_bytes_release (t->host, &head_bytes);
  if (status == ADZE_OK) {
    t->saved_step = progress.step;
    t->saves++;
  }
  return status;
}

static inline adze_status
adze_lesson_tell_kept (const adze_lesson *t)
{
  if (t->saved_step > 0)
    return adze_fail (t->host, ADZE_E_LIMIT,
                      "training ended early, and kept is the checkpoint of step %llu (epoch %llu)",
                      (unsigned long long)t->saved_step, adze_lesson_epoch_of (t, t->saved_step));
  return adze_fail (t->host, ADZE_E_LIMIT, "training ended early, and no checkpoint is kept: %s",
                    t->save_epochs + t->save_steps > 0
                        ? "nothing was learnt before, and the weights are those that training began with"
                        : "'checkpoint' and 'checkpoint-steps' are 0");
}

/* ---- Found again. */

/* False: there is none that is whole. */
static inline bool
adze_lesson_take_head (const void *data, size_t size, adze_lesson_head *h)
{
  if (size < sizeof *h || memcmp (data, ADZE_LESSON_MARK, sizeof h->mark) != 0)
    return false;
  memcpy (h, data, sizeof *h);
  return h->epochs <= (size - sizeof *h) / sizeof (adze_lesson_epoch);
}

static inline adze_status
adze_lesson_take_epochs (adze_lesson *t, const void *data, const adze_lesson_head *h)
{
  const char *at = (const char *)data + sizeof *h;
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < h->epochs; i++) {
    adze_lesson_epoch epoch;
    memcpy (&epoch, at + i * sizeof epoch, sizeof epoch);
    status = adze_lesson_remember (t, &epoch);
    if (status == ADZE_OK)
      status = adze_lesson_tell_epoch (t, (size_t)i);
  }
  return status;
}

static inline adze_status
adze_lesson_resume (adze_lesson *t)
{
  const void *data = NULL;
  size_t size = 0;
  adze_lesson_head found, h;
  memset (&found, 0, sizeof found);
  t->saves = 0;
  for (unsigned i = 0; i < 2; i++) {
    adze_lesson_place place = adze_lesson_place_of (t, i);
    adze_status status = t->run->load (t->host, t->context, place.head, &data, &size);
    if (status != ADZE_OK)
      return status;
    if (!adze_lesson_take_head (data, size, &h))
      continue;
    t->saves = h.serial > t->saves ? h.serial : t->saves;
    status = t->run->load (t->host, t->context, place.bytes, &data, &size);
    if (status != ADZE_OK)
      return status;
    if (size == 0 && h.step > 0) /* the host says that nothing is there where it is not what was saved */
      adze_log (t->host, ADZE_LOG_WARNING, "the checkpoint of step %llu is damaged, and is passed over",
                (unsigned long long)h.step);
    else if (h.serial > found.serial && h.sum == adze_lesson_sum (data, size))
      found = h;
  }
  if (found.step == 0) /* there is none, or all that was learnt was given up */
    return ADZE_OK;
  adze_lesson_place place = adze_lesson_place_of (t, found.serial);
  adze_status status = t->run->load (t->host, t->context, place.bytes, &data, &size);
  if (status == ADZE_OK)
    status = t->train->load (t->host, t->training, data, size);
  if (status == ADZE_OK)
    status = t->run->load (t->host, t->context, place.head, &data, &size);
  if (status == ADZE_OK)
    status = adze_lesson_take_epochs (t, data, &found);
  if (status != ADZE_OK)
    return status;
  t->saved_step = found.step;
  t->facts = found.facts;
  adze_log (t->host, ADZE_LOG_INFO, "goes on from the checkpoint of step %llu of %llu",
            (unsigned long long)found.step, (unsigned long long)t->total);
  return ADZE_OK;
}

ADZE_END_DECLS

#endif
