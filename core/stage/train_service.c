/* SPDX-License-Identifier: Apache-2.0 */
/* stage/train_service.c: adze.train/1: a trainer of core/graph, as plugins meet it. */
#include <math.h>
#include <string.h>

#include "graph/losses.h"
#include "graph/train.h"
#include "stage/call.h"
#include "stage/networks.h"

struct adze_training {
  adze_networks *networks;
  adze_trainer *trainer;
  adze_train_settings settings; /* its callbacks */
  adze_status stopped;          /* what a callback has ended it with; its reasons are said already */
  adze_buffer saved;
  bool told;
};

static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

/* ---- The graph of a loss. */

static adze_status
train_add_target (const adze_host *host, adze_graph *graph, uint32_t output, uint32_t classes,
                  const char *name, uint32_t *target)
{
  return settle (host, adze_loss_add_input (graph, output, classes != 0, name, target));
}

static adze_error *
add_loss (adze_graph *graph, uint32_t loss, uint32_t output, uint32_t target, double amount,
          uint32_t *scalar)
{
  switch (loss) {
  case ADZE_TRAIN_CROSS_ENTROPY:
    return adze_loss_cross_entropy (graph, output, target, amount, scalar);
  case ADZE_TRAIN_SQUARES:
    return adze_loss_squares (graph, output, target, scalar);
  case ADZE_TRAIN_BINARY:
    return adze_loss_binary (graph, output, target, scalar);
  case ADZE_TRAIN_DIVERGENCE:
    return adze_loss_divergence (graph, output, target, amount, scalar);
  default:
    return adze_error_new (ADZE_E_CONTRACT, "there is no loss number %u", loss);
  }
}

static adze_status
train_add_loss (const adze_host *host, adze_graph *graph, uint32_t loss, uint32_t output,
                uint32_t target, double amount, uint32_t *scalar)
{
  return settle (host, add_loss (graph, loss, output, target, amount, scalar));
}

static adze_status
train_set_training (const adze_host *host, adze_graph *graph)
{
  return settle (host, adze_graph_set_training (graph));
}

/* ---- Callbacks of the plugin, called by the trainer. */

static void
info_of (const adze_trainer *trainer, adze_train_progress_info *info)
{
  const adze_train_progress *p = adze_trainer_progress (trainer);
  *info = (adze_train_progress_info){ .struct_size = sizeof *info,
                                      .ended = p->ended,
                                      .step = p->step,
                                      .epoch = p->epoch,
                                      .number = p->number,
                                      .rate = p->rate,
                                      .loss = p->loss,
                                      .mean = p->mean,
                                      .score = p->has_score ? p->score : NAN,
                                      .best_score = p->has_score ? p->best_score : NAN,
                                      .best_epoch = p->best_epoch };
}

/* The plugin has said why through adze.error; this only ends the trainer's loop. */
static adze_error *
stop_for (adze_training *training, adze_status status)
{
  training->stopped = status;
  return status == ADZE_OK ? NULL : adze_error_new (status, "the technique has ended training");
}

static adze_error *
on_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  adze_training *t = argument;
  return stop_for (t, t->settings.batch (t->settings.argument, epoch, number, inputs));
}

static adze_error *
on_validate (void *argument, const adze_trainer *trainer, double *score)
{
  adze_training *t = argument;
  (void)trainer;
  return stop_for (t, t->settings.validate (t->settings.argument, score));
}

static adze_error *
after_step (void *argument, const adze_trainer *trainer)
{
  adze_training *t = argument;
  adze_train_progress_info info;
  if (!t->told)
    adze_networks_tell (t->networks, adze_trainer_facts (trainer));
  t->told = true;
  if (!t->settings.after_step)
    return NULL;
  info_of (trainer, &info);
  return stop_for (t, t->settings.after_step (t->settings.argument, &info));
}

static adze_error *
after_epoch (void *argument, const adze_trainer *trainer)
{
  adze_training *t = argument;
  adze_train_progress_info info;
  info_of (trainer, &info);
  return stop_for (t, t->settings.after_epoch (t->settings.argument, &info));
}

/* ---- Opening. */

static void
free_training (void *object)
{
  adze_training *training = object;
  adze_trainer_free (training->trainer);
  adze_buffer_cleanup (&training->saved);
  free (training);
}

static uint64_t
absent (const void *object)
{
  const adze_training *training = object;
  return adze_trainer_absent (training->trainer);
}

static adze_schedule
schedule_of (const adze_train_settings *s)
{
  return (adze_schedule){ .kind = (adze_schedule_kind)s->schedule,
                          .rate = s->rate,
                          .warm_up = s->warm_up,
                          .every = s->every,
                          .factor = s->factor,
                          .total = s->total,
                          .least = s->least,
                          .power = s->power };
}

static adze_error *
copy_rules (const adze_train_settings *settings, adze_train_weight **weights)
{
  *weights = calloc (settings->rule_count + 1, sizeof **weights);
  if (!*weights)
    return adze_error_memory ();
  for (size_t i = 0; i < settings->rule_count; i++) {
    /* Those of a newer SDK are larger. */
    const char *at = (const char *)settings->rules + i * settings->rule_size;
    const adze_train_weight_rule *rule = (const void *)at;
    bool has_next = settings->rule_size >= offsetof (adze_train_weight_rule, next) + sizeof rule->next;
    (*weights)[i] = (adze_train_weight){ .name = rule->name,
                                         .frozen = rule->frozen != 0,
                                         .no_decay = rule->no_decay != 0,
                                         .mask = rule->mask,
                                         .next = has_next ? rule->next : NULL };
  }
  return NULL;
}

static adze_error *
make_trainer (adze_training *training, adze_graph *graph, uint32_t scalar)
{
  const adze_train_settings *s = &training->settings;
  ADZE_AUTO_FREE adze_train_weight *weights = NULL;
  adze_trainer_options options = { .optimiser = { (adze_optimiser_kind)s->optimiser, s->momentum,
                                                  s->beta1, s->beta2, s->epsilon, s->decay, s->average },
                                   .schedule = schedule_of (s),
                                   .seed = adze_networks_seed (training->networks),
                                   .clip = s->clip,
                                   .weight_count = s->rule_count,
                                   .epochs = s->epochs,
                                   .batch = on_batch,
                                   .validate = s->validate ? on_validate : NULL,
                                   .patience = s->patience,
                                   .least_gain = s->least_gain,
                                   .after_step = after_step,
                                   .after_epoch = s->after_epoch ? after_epoch : NULL,
                                   .argument = training,
                                   .looks = s->looks };
  ADZE_TRY (copy_rules (s, &weights));
  options.weights = weights;
  ADZE_TRY (adze_networks_options (training->networks, &options.compile));
  return adze_trainer_new (graph, scalar, &options, &training->trainer);
}

static adze_error *
open_training (adze_networks *networks, adze_graph *graph, uint32_t scalar,
               const adze_train_settings *settings, adze_training **training)
{
  /* Those of an older SDK are smaller. */
  if (settings->struct_size < offsetof (adze_train_settings, average) || !settings->batch
      || (settings->rule_count > 0
          && settings->rule_size < offsetof (adze_train_weight_rule, next)))
    return adze_error_new (ADZE_E_CONTRACT,
                           "settings for training need their sizes and a batch callback");
  adze_training *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  ADZE_TRY (adze_networks_keep (networks, made, free_training));
  made->networks = networks;
  memcpy (&made->settings, settings,
          settings->struct_size < sizeof made->settings ? settings->struct_size : sizeof made->settings);
  adze_error *error = make_trainer (made, graph, scalar);
  if (error) {
    adze_networks_drop (networks, made);
    return error;
  }
  adze_networks_weigh (networks, made, absent);
  *training = made;
  return NULL;
}

static adze_status
train_open (const adze_host *host, adze_context *context, adze_graph *graph, uint32_t scalar,
            const adze_train_settings *settings, adze_training **training)
{
  adze_networks *networks = adze_networks_here (host, ADZE_TRAIN " open");
  (void)context;
  return networks ? settle (host, open_training (networks, graph, scalar, settings, training))
                  : ADZE_E_UNSUPPORTED;
}

/* ---- At work. */

static void
drop_saved (adze_training *training)
{
  adze_buffer_cleanup (&training->saved);
  training->saved = (adze_buffer){ 0 };
}

static adze_status
train_run (const adze_host *host, adze_training *training)
{
  adze_networks *networks = adze_networks_here (host, ADZE_TRAIN " run");
  if (!networks)
    return ADZE_E_UNSUPPORTED;
  bool rehearses = adze_networks_rehearses (networks);
  training->stopped = ADZE_OK;
  adze_error *error = rehearses ? adze_trainer_rehearse (training->trainer)
                                : adze_trainer_run (training->trainer);
  if (!error && rehearses) {
    adze_networks_tell (networks, adze_trainer_facts (training->trainer));
    adze_networks_look (networks);
  }
  drop_saved (training);
  if (!error && rehearses)
    return ADZE_E_CANCELLED;
  if (!error || training->stopped == ADZE_OK)
    return settle (host, error);
  adze_error_free (error);
  return training->stopped;
}

static void
train_progress (const adze_host *host, const adze_training *training,
                adze_train_progress_info *progress)
{
  adze_train_progress_info all;
  (void)host;
  info_of (training->trainer, &all);
  uint32_t size
      = progress->struct_size < sizeof all ? progress->struct_size : (uint32_t)sizeof all;
  memcpy (progress, &all, size);
  progress->struct_size = size;
}

static void
train_count (const adze_host *host, const adze_training *training, uint64_t *weights,
             uint64_t *elements)
{
  (void)host;
  *weights = adze_trainer_count (training->trainer, elements);
}

static const char *
train_left (const adze_host *host, const adze_training *training, size_t index, const char **why)
{
  (void)host;
  return adze_trainer_left (training->trainer, index, why);
}

static adze_status
train_facts (const adze_host *host, const adze_training *training, adze_eval_facts *facts)
{
  const adze_executable_facts *found = adze_trainer_facts (training->trainer);
  if (!found)
    return settle (host, adze_error_new (ADZE_E_CONTRACT, "no step of training was compiled yet"));
  adze_networks_facts (training->networks, found, facts);
  return ADZE_OK;
}

static adze_status
train_give (const adze_host *host, const adze_training *training, adze_graph *other,
            uint32_t share)
{
  return settle (host, share ? adze_trainer_share (training->trainer, other)
                             : adze_trainer_give (training->trainer, other));
}

static adze_status
train_save (const adze_host *host, adze_training *training, const void **bytes, size_t *size)
{
  drop_saved (training);
  *bytes = NULL;
  *size = 0;
  return settle (host, adze_trainer_save_aside (training->trainer, &training->saved, bytes, size));
}

static adze_status
train_load (const adze_host *host, adze_training *training, const void *bytes, size_t size)
{
  return settle (host, adze_trainer_load (training->trainer, bytes, size));
}

static void
train_close (const adze_host *host, adze_context *context, adze_training *training)
{
  (void)host;
  (void)context;
  if (training)
    adze_networks_drop (training->networks, training);
}

const adze_train_service adze_train_services = {
  .struct_size = sizeof adze_train_services,
  .add_target = train_add_target,
  .add_loss = train_add_loss,
  .set_training = train_set_training,
  .open = train_open,
  .run = train_run,
  .progress = train_progress,
  .count = train_count,
  .facts = train_facts,
  .give = train_give,
  .save = train_save,
  .load = train_load,
  .close = train_close,
  .left = train_left,
};
