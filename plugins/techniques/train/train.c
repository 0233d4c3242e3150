/* SPDX-License-Identifier: Apache-2.0 */
/* train: a network learns from data. What comes out is the network that came in, with other weights.
 *
 * adze.train/1 does the steps. Here is what is around them: which column of the data goes where, what
 * is watched, when a checkpoint is made, and what is told. */
#include <string.h>
#include <time.h>

#include "train.h"

double
train_now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- An instance is its parameters. */

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)(uintptr_t)params;
  return train_check_params (host, params);
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- Before. */

static adze_status
find_services (train_run *t)
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

static adze_status
find_inputs (train_run *t)
{
  t->model = t->run->input (t->host, t->context, "model");
  t->data = t->run->input (t->host, t->context, "data");
  t->validation = t->run->input (t->host, t->context, "validation");
  if (t->model && t->data)
    return ADZE_OK;
  return adze_fail (t->host, ADZE_E_NOT_FOUND, "nothing is bound to its port '%s'",
                    t->model ? "data" : "model");
}

/* Data in the same order in each epoch is what one gets without asking, and seldom what one wants. */
static adze_status
look_at_order (train_run *t)
{
  const void *data = NULL;
  size_t size = 0, each = t->feed.slots[0].each * (t->feed.slots[0].column.dtype.bits / 8u);
  size_t column = t->feed.slots[0].number;
  adze_bytes first = { 0 };
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

/* ---- After. */

static adze_status
give_model (train_run *t)
{
  /* Now, and not before: all of its weights would have been in memory for nothing. */
  adze_status status = t->run->graph (t->host, t->context, t->model, &t->given);
  if (status == ADZE_OK)
    status = t->train->give (t->host, t->training, t->given, 0);
  if (status == ADZE_OK)
    status = t->run->give_graph (t->host, t->context, "model", t->given);
  return status == ADZE_OK
             ? adze_run_give_others (t->host, t->context, t->model, t->given, "model")
             : status;
}

static void
clean_up (train_run *t)
{
  if (t->eval)
    adze_feed_runner_close (t->host, t->context, &t->runner);
  if (t->training)
    t->train->close (t->host, t->context, t->training);
  adze_feed_close (t->host, &t->feed);
  adze_feed_close (t->host, &t->watch_feed);
  train_drop_rules (t);
  t->host->release (t->host, t->history);
}

/* ---- All of it. */

/* Training that diverged has gone back to the last weights that were good: those are kept. */
static adze_status
learn (train_run *t)
{
  t->began = train_now ();
  adze_status status = t->train->run (t->host, t->training);
  if (status != ADZE_E_LIMIT)
    return status;
  train_blame_data (t);
  if (t->save_epochs + t->save_steps > 0)
    train_save (t);
  return train_tell_kept (t);
}

static adze_status
run_all (train_run *t)
{
  adze_status status = find_services (t);
  if (status == ADZE_OK)
    status = find_inputs (t);
  if (status == ADZE_OK)
    status = train_make_graphs (t);
  if (status == ADZE_OK)
    status = train_open (t);
  if (status == ADZE_OK)
    status = train_tell_left (t);
  if (status == ADZE_OK)
    status = look_at_order (t);
  if (status == ADZE_OK)
    status = train_resume (t);
  if (status == ADZE_OK)
    status = learn (t);
  if (status == ADZE_OK)
    status = give_model (t);
  return status == ADZE_OK ? train_give_report (t) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  train_run t = { .host = host, .context = context, .params = (const adze_params *)instance };
  adze_status status = run_all (&t);
  clean_up (&t);
  return status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the network that is to learn, with the weights that it begins with" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what it learns from" },
  { .name = "validation", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "tells how good each epoch is; with it, the best one's weights are given" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the network with the weights that it has learnt" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "its epochs, and how they were come by" },
  { .name = NULL }
};

/* Zeros stay where 'keep-zeros' says so, and the host looks whether they did. */
static const char *const breaks[]
    = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
  .keeps_network = 1,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "train",
  .summary = "Trains a network on data",
  .params = train_params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "train",
  .version = "0.1.0",
  .summary = "Networks that learn from data",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (train, plugin);
