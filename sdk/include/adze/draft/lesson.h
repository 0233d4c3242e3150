/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson.h: a network learns from a dataset, as the technique `train` teaches it, and what other techniques
 * that teach have in common with it. Tier: draft.
 *
 * adze.train/1 does the steps. Here is what is around them: which column of the data goes where, what is watched, when
 * there is a checkpoint, and what is told. A technique has the ports "model", "data" and, if it likes,
 * "validation", and the rows of ADZE_LESSON_PARAMS; hooks (lesson_base.h) make of it what it is. All inline: what
 * is compiled in here belongs to the plugin.
 *
 *   lesson_settings.h    parameters: what they say to each other, and to adze.train/1
 *   lesson_network.h     the graphs: one that learns, one that is watched
 *   lesson_watch.h       batches in, and how good the weights are after an epoch
 *   lesson_checkpoint.h  going on where a run that was killed has been
 *   lesson_report.h      what is told of it
 */
#ifndef ADZE_DRAFT_LESSON_H
#define ADZE_DRAFT_LESSON_H

#include <adze/draft/lesson_settings.h>

ADZE_BEGIN_DECLS

/* ---- Before. */

static inline adze_status
adze_lesson_find_services (adze_lesson *t)
{
  t->run = adze_run_of (t->host);
  t->graphs = adze_graph_of (t->host);
  t->eval = adze_eval_of (t->host);
  t->train = adze_train_of (t->host);
  if (t->run && t->graphs && t->eval && t->train)
    return ADZE_OK;
  return adze_fail (t->host, ADZE_E_UNSUPPORTED, "this host has no %s",
                    !t->run      ? ADZE_RUN
                    : !t->graphs ? ADZE_GRAPH
                    : !t->eval   ? ADZE_EVAL
                                 : ADZE_TRAIN);
}

static inline adze_status
adze_lesson_find_inputs (adze_lesson *t)
{
  t->model = t->run->input (t->host, t->context, "model");
  if (!t->data)
    t->data = t->run->input (t->host, t->context, "data");
  t->validation = t->run->input (t->host, t->context, "validation");
  if (t->model && t->data)
    return ADZE_OK;
  return adze_fail (t->host, ADZE_E_NOT_FOUND, "nothing is bound to its port '%s'",
                    t->model ? "data" : "model");
}

/* Data in the same order in each epoch is what one gets without asking, and seldom what one wants. */
static inline adze_status
adze_lesson_look_at_order (adze_lesson *t)
{
  const void *data = NULL;
  size_t size = 0, each = t->feed.slots[0].each * (t->feed.slots[0].column.dtype.bits / 8u);
  size_t column = t->feed.slots[0].number;
  adze_bytes first;
  memset (&first, 0, sizeof first);
  if (t->epochs < 2 || t->feed.batches < 2)
    return ADZE_OK;
  adze_status status
      = t->run->batch (t->host, t->data, 0, 0, t->feed.batch, column, &data, &size);
  if (status == ADZE_OK)
    status = adze_bytes_add (t->host, &first, data, size * each);
  if (status == ADZE_OK)
    status = t->run->batch (t->host, t->data, 1, 0, t->feed.batch, column, &data, &size);
  if (status == ADZE_OK && first.size > 0 && memcmp (first.data, data, first.size) == 0)
    adze_log (t->host, ADZE_LOG_WARNING,
              "the examples come in the same order in each epoch; shuffle = true in the table of "
              "the data gives another one each time");
  adze_bytes_release (t->host, &first);
  return status;
}

/* ---- All of it. */

/* Training that diverged has gone back to the last weights that were good: those are kept. */
static inline adze_status
adze_lesson_learn (adze_lesson *t)
{
  t->began = adze_lesson_now ();
  adze_status status = t->train->run (t->host, t->training);
  if (status != ADZE_E_LIMIT)
    return status;
  adze_lesson_blame_data (t);
  if (t->save_epochs + t->save_steps > 0)
    adze_lesson_save (t);
  return adze_lesson_tell_kept (t);
}

/* Is NAME frozen, by a pattern? */
static inline bool
adze_lesson_is_frozen (const adze_lesson *t, const char *name)
{
  const adze_params_service *service = adze_params_of (t->host);
  const adze_params *list = service->get_nested (t->params, "frozen");
  bool frozen = false;
  for (size_t i = 0; !frozen && i < service->count (list); i++)
    if (adze_match (t->host, service->get_string (list, service->name_at (list, i)), name, &frozen) != ADZE_OK)
      return false;
  return frozen;
}

static inline bool
adze_lesson_trains (const adze_lesson *t, uint32_t number)
{
  const char *name = t->graphs->value (t->learner, number)->name, *why, *left;
  if (adze_lesson_is_statistic (t, number) || adze_lesson_is_frozen (t, name))
    return false;
  for (size_t i = 0; (left = t->train->left (t->host, t->training, i, &why)); i++)
    if (strcmp (left, name) == 0)
      return false;
  return true;
}

/* Zeros of what does not train stay in any case. That "*" means such weights, too, is no mistake; that a pattern means
 * no others is one. */
static inline adze_status
adze_lesson_check_zeros (const adze_lesson *t)
{
  const adze_params_service *service = adze_params_of (t->host);
  const adze_params *list = service->get_nested (t->params, "keep-zeros");
  for (size_t p = 0; p < service->count (list); p++) {
    const char *pattern = service->get_string (list, service->name_at (list, p));
    bool counts = false;
    for (uint32_t i = 0; !counts && i < t->graphs->value_count (t->learner); i++)
      if (adze_lesson_is_weight (t, i)
          && adze_match (t->host, pattern, t->graphs->value (t->learner, i)->name, &counts) == ADZE_OK && counts)
        counts = adze_lesson_trains (t, i);
    if (!counts)
      return adze_fail (t->host, ADZE_E_PARAM,
                        "parameter 'keep-zeros': \"%s\" means only weights that do not train, whose zeros stay in any "
                        "case; leave it out",
                        pattern);
  }
  return ADZE_OK;
}

/* Everything in front of the first step, or, where a run was killed, of the next one. */
static inline adze_status
adze_lesson_begin (adze_lesson *t)
{
  adze_status status = adze_lesson_find_services (t);
  if (status == ADZE_OK)
    status = adze_lesson_find_inputs (t);
  if (status == ADZE_OK)
    status = adze_lesson_make_graphs (t);
  if (status == ADZE_OK)
    status = adze_lesson_open (t);
  if (status == ADZE_OK)
    status = adze_lesson_tell_left (t);
  if (status == ADZE_OK)
    status = adze_lesson_check_zeros (t);
  if (status == ADZE_OK)
    status = adze_lesson_look_at_order (t);
  return status == ADZE_OK ? adze_lesson_resume (t) : status;
}

/* All steps that are left; lesson->train->give has the weights then. */
static inline adze_status
adze_lesson_teach (adze_lesson *t)
{
  adze_status status = adze_lesson_begin (t);
  return status == ADZE_OK ? adze_lesson_learn (t) : status;
}

/* Also of one that failed on its way. */
static inline void
adze_lesson_close (adze_lesson *t)
{
  if (t->eval)
    adze_feed_runner_close (t->host, t->context, &t->runner);
  if (t->training)
    t->train->close (t->host, t->context, t->training);
  adze_feed_close (t->host, &t->feed);
  adze_feed_close (t->host, &t->watch_feed);
  adze_lesson_drop_rules (t);
  t->host->release (t->host, (void *)t->inputs);
  t->host->release (t->host, t->history);
}

ADZE_END_DECLS

#endif
