/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_save.c: checkpoints.
 *
 * Words of eight little-endian bytes (as all machines that adze runs on have them): mark,
 * version, the trainer's fingerprint, where training stands, how many bytes follow. Then the
 * numbers of all that is carried, in the trainer's order; the best weights where there are any;
 * XXH3 of everything before. */
#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "graph/train_private.h"

enum { VERSION = 1 };

typedef struct head {
  char mark[8];
  uint64_t version, fingerprint;
  uint64_t step, epoch, number;
  double rate, loss, mean, sum;
  double score, best_score;
  uint64_t best_epoch, stale;
  uint64_t has_score, has_best, ended;
  uint64_t size; /* of the numbers */
} head;

_Static_assert (sizeof (head) == 18 * 8, "a checkpoint's head has no holes");

static const char mark[8] = { 'a', 'd', 'z', 'e', 't', 'r', 'n', '\n' };

static uint64_t
size_of_numbers (const adze_trainer *t, bool best)
{
  uint64_t size = 0;
  for (size_t i = 0; i < t->carried_count; i++)
    size += t->carried[i].size * (best && !t->carried[i].state ? 2 : 1);
  return size;
}

static void
fill_head (const adze_trainer *t, head *h)
{
  const adze_train_progress *p = &t->progress;
  *h = (head){ .version = VERSION,           .fingerprint = t->fingerprint,
               .step = p->step,              .epoch = p->epoch,
               .number = p->number,          .rate = p->rate,
               .loss = p->loss,              .mean = p->mean,
               .sum = t->sum,                .score = p->score,
               .best_score = p->best_score,  .best_epoch = p->best_epoch,
               .stale = t->stale,            .has_score = p->has_score,
               .has_best = t->has_best,      .ended = p->ended,
               .size = size_of_numbers (t, t->has_best) };
  memcpy (h->mark, mark, sizeof mark);
}

adze_error *
adze_trainer_save (const adze_trainer *t, adze_buffer *into)
{
  head h;
  size_t begin = into->size;
  ADZE_TRY (adze_train_look (t));
  fill_head (t, &h);
  adze_buffer_add (into, &h, sizeof h);
  for (size_t i = 0; i < t->carried_count; i++)
    adze_buffer_add (into, t->carried[i].now, t->carried[i].size);
  for (size_t i = 0; i < t->carried_count; i++)
    if (t->has_best && !t->carried[i].state)
      adze_buffer_add (into, t->carried[i].best, t->carried[i].size);
  if (into->failed)
    return adze_error_memory ();
  uint64_t hash = adze_hash64 (into->data + begin, into->size - begin, 0);
  adze_buffer_add (into, &hash, sizeof hash);
  return into->failed ? adze_error_memory () : NULL;
}

adze_error *
adze_trainer_save_aside (adze_trainer *t, adze_buffer *more, const void **bytes, size_t *size)
{
  adze_buffer spare = adze_train_spare (t);
  adze_buffer *into = t->has_best ? more : &spare;
  ADZE_TRY (adze_train_look_back (t));
  ADZE_TRY (adze_trainer_save (t, into));
  *bytes = into->data;
  *size = into->size;
  return NULL;
}

/* ---- Back again. */

static adze_error *
check_head (const adze_trainer *t, const char *bytes, size_t size, head *h)
{
  uint64_t hash;
  if (size < sizeof *h + sizeof hash || memcmp (bytes, mark, sizeof mark) != 0)
    return adze_error_new (ADZE_E_FORMAT, "these %zu bytes are no checkpoint of training", size);
  memcpy (h, bytes, sizeof *h);
  if (h->version != VERSION) {
    adze_error *error
        = adze_error_new (ADZE_E_FORMAT,
                          "the checkpoint is of version %" PRIu64 "; this adze reads %d",
                          h->version, VERSION);
    adze_error_setf (error, "needed", "%d", VERSION);
    adze_error_setf (error, "found", "%" PRIu64, h->version);
    return error;
  }
  memcpy (&hash, bytes + size - sizeof hash, sizeof hash);
  if (adze_hash64 (bytes, size - sizeof hash, 0) != hash)
    return adze_error_new (ADZE_E_FORMAT,
                           "the checkpoint is damaged: its %zu bytes have another hash than the "
                           "one behind them",
                           size);
  if (h->fingerprint != t->fingerprint)
    return adze_error_new (ADZE_E_FORMAT, "the checkpoint is of another training: the graph, its "
                                          "frozen weights and masks, the optimiser, the schedule "
                                          "or the clipping differ");
  if (h->size != size_of_numbers (t, h->has_best != 0)
      || size != sizeof *h + h->size + sizeof hash)
    return adze_error_new (ADZE_E_FORMAT,
                           "the checkpoint has %zu bytes, and %" PRIu64 " of numbers", size,
                           h->size);
  return NULL;
}

static void
take_numbers (adze_trainer *t, const char *at)
{
  for (size_t i = 0; i < t->carried_count; i++) {
    memcpy (t->carried[i].now, at, t->carried[i].size);
    at += t->carried[i].size;
  }
  for (size_t i = 0; t->has_best && i < t->carried_count; i++)
    if (!t->carried[i].state) {
      memcpy (t->carried[i].best, at, t->carried[i].size);
      at += t->carried[i].size;
    }
}

adze_error *
adze_trainer_load (adze_trainer *t, const void *bytes, size_t size)
{
  head h;
  ADZE_TRY (check_head (t, bytes, size, &h));
  if (h.has_best)
    ADZE_TRY (adze_train_hold_best (t));
  else
    adze_train_drop_best (t);
  take_numbers (t, (const char *)bytes + sizeof h);
  adze_train_refresh (t);
  t->progress = (adze_train_progress){ .step = h.step,
                                       .epoch = h.epoch,
                                       .number = h.number,
                                       .rate = h.rate,
                                       .loss = h.loss,
                                       .mean = h.mean,
                                       .score = h.score,
                                       .best_score = h.best_score,
                                       .best_epoch = h.best_epoch,
                                       .has_score = h.has_score != 0,
                                       .ended = h.ended != 0 };
  t->sum = h.sum;
  t->stale = h.stale;
  t->has_kept = false; /* what was kept is of another past */
  return NULL;
}
