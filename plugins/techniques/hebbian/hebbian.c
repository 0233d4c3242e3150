/* SPDX-License-Identifier: Apache-2.0 */
/* hebbian: layers of a network learn from what comes to them and what they make of it, without labels and without
 * gradients. Layer by layer, in the order in which they are computed, so that what comes to one is what those in
 * front of it have learnt to give. All other weights stay as they are. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "hebbian.h"

/* ---- An instance is its parameters. */

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  hebbian_settings set;
  *instance = (void *)(uintptr_t)params;
  return hebbian_read_settings (host, params, &set);
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
find_services (hebbian_run *h)
{
  h->run = adze_run_of (h->host);
  h->graphs = adze_graph_of (h->host);
  if (h->run && h->graphs && adze_eval_of (h->host))
    return ADZE_OK;
  return adze_fail (h->host, ADZE_E_UNSUPPORTED, "this host has no %s",
                    !h->run      ? ADZE_RUN
                    : !h->graphs ? ADZE_GRAPH
                                 : ADZE_EVAL);
}

static adze_status
find_inputs (hebbian_run *h)
{
  h->model = h->run->input (h->host, h->context, "model");
  h->data = h->run->input (h->host, h->context, "data");
  h->before = h->run->input (h->host, h->context, "importance");
  if (h->model && h->data)
    return ADZE_OK;
  return adze_fail (h->host, ADZE_E_NOT_FOUND, "nothing is bound to its port '%s'", h->model ? "data" : "model");
}

/* ---- Going on. */

static uint64_t
steps_done (const hebbian_run *h)
{
  return (h->at * h->set.epochs + h->epoch) * h->stream.feed.batches + h->number;
}

/* STEPS are those of the layer. */
static bool
is_due (const hebbian_run *h, uint64_t steps)
{
  bool epoch = h->number == 0 && h->set.save_epochs > 0 && h->epoch % h->set.save_epochs == 0;
  return epoch || (h->set.save_steps > 0 && steps % h->set.save_steps == 0);
}

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static adze_status
after_batch (hebbian_run *h)
{
  const double often = 0.1; /* seconds: each is an event, and batches may be short */
  uint64_t steps = h->epoch * h->stream.feed.batches + h->number;
  adze_status status = is_due (h, steps) ? hebbian_save (h) : ADZE_OK;
  double time = now ();
  if (status != ADZE_OK || time - h->told < often)
    return status;
  h->told = time;
  if (h->run->progress (h->host, h->context, steps_done (h),
                        h->layer_count * h->set.epochs * h->stream.feed.batches))
    return ADZE_OK;
  hebbian_save (h); /* so that nothing is done twice; that somebody asked to stop counts more */
  return ADZE_E_CANCELLED;
}

static void
next_batch (hebbian_run *h)
{
  if (++h->number < h->stream.feed.batches)
    return;
  h->number = 0;
  h->epoch++;
  adze_log (h->host, ADZE_LOG_INFO, "'%s', layer %zu of %zu: epoch %llu of %llu", h->layers[h->at].name, h->at + 1,
            h->layer_count, (unsigned long long)h->epoch, (unsigned long long)h->set.epochs);
}

/* ---- A layer. */

/* STATE is of a checkpoint, and goes; NULL: it begins. */
static adze_status
take_state (hebbian_run *h, double *state, size_t count)
{
  bool fits = count == h->state.count;
  if (fits)
    memcpy (h->state.all, state, count * sizeof *state);
  return fits ? ADZE_OK
              : adze_fail (h->host, ADZE_E_FORMAT, "the checkpoint is of other settings; --fresh begins anew");
}

/* Where BCM has found something to answer to, the mean square of answers is 1 and more. */
static void
tell_silent (const hebbian_run *h, const hebbian_layer *layer)
{
  const double silent = 0.01;
  size_t count = 0;
  for (size_t k = 0; k < layer->units; k++)
    count += h->state.threshold[k] < silent;
  if (count > 0)
    adze_log (h->host, ADZE_LOG_WARNING,
              "'%s': %zu of %zu unit%s ended with answers near 0 to all examples, and tell%s none from the others; more "
              "epochs, or, where answers are below 0 to begin with, another seed may do",
              layer->name, count, layer->units, layer->units == 1 ? "" : "s", count == 1 ? "s" : "");
}

static adze_status
end_layer (hebbian_run *h)
{
  hebbian_layer *layer = &h->layers[h->at];
  if (h->set.rule == HEBBIAN_BCM)
    tell_silent (h, layer);
  double sum = 0;
  for (size_t k = 0; k < layer->units; k++)
    sum += h->state.activity[k];
  if (h->set.homeostasis != HEBBIAN_NO_HOMEOSTASIS)
    layer->activity = sum / (double)layer->units;
  if (h->set.centre == HEBBIAN_CENTRE_FOR_GOOD)
    hebbian_fold_centre (layer, h->state.centre);
  return h->set.measures ? hebbian_measure_importance (h) : ADZE_OK;
}

static adze_status
learn_layer (hebbian_run *h, double *state, size_t count)
{
  adze_status status = hebbian_open_layer (h);
  if (status == ADZE_OK && count > 0)
    status = take_state (h, state, count);
  while (status == ADZE_OK && h->epoch < h->set.epochs) {
    status = hebbian_learn_batch (h);
    if (status != ADZE_OK)
      break;
    next_batch (h);
    status = after_batch (h);
  }
  if (status == ADZE_OK)
    status = end_layer (h);
  hebbian_close_layer (h);
  return status;
}

/* What has learnt is computed with from now on. A checkpoint says so, since the layer would be folded twice if it
 * ended again. */
static adze_status
leave_layer (hebbian_run *h)
{
  adze_status status = hebbian_set_layer (h, h->graph, &h->layers[h->at]);
  h->at++;
  h->epoch = h->number = 0;
  return status == ADZE_OK && h->set.save_epochs + h->set.save_steps > 0 ? hebbian_save (h) : status;
}

static adze_status
learn_all (hebbian_run *h)
{
  double *state = NULL;
  size_t count = 0;
  adze_status status = hebbian_load (h, &state, &count);
  for (size_t l = 0; status == ADZE_OK && l < h->at; l++)
    status = hebbian_set_layer (h, h->graph, &h->layers[l]);
  while (status == ADZE_OK && h->at < h->layer_count) {
    status = learn_layer (h, state, count);
    count = 0;
    if (status == ADZE_OK)
      status = leave_layer (h);
  }
  h->host->release (h->host, state);
  return status;
}

/* ---- After. */

/* That means went into biases is nothing learnt. Excitability moves biases alone, and those of soft-wta are not kept. */
static adze_status
check_learnt (const hebbian_run *h)
{
  bool excited = h->set.homeostasis == HEBBIAN_EXCITABILITY && h->set.rule != HEBBIAN_SOFT_WTA;
  bool learnt = h->set.centre != HEBBIAN_CENTRE_FOR_GOOD || excited;
  for (size_t l = 0; l < h->layer_count && !learnt; l++)
    learnt = h->layers[l].learnt;
  if (learnt)
    return ADZE_OK;
  return adze_fail (h->host, ADZE_E_LIMIT,
                    "nothing was learnt: of %zu layer%s no weight is another number than before, and that means went into "
                    "biases is none of it; a higher 'rate', or more 'epochs', may do",
                    h->layer_count, h->layer_count == 1 ? "" : "s");
}

static adze_status
give_model (hebbian_run *h)
{
  adze_graph *given = NULL;
  adze_status status = h->run->graph (h->host, h->context, h->model, &given);
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++) {
    status = hebbian_compare_layer (h, given, &h->layers[l]);
    if (status == ADZE_OK)
      status = hebbian_set_layer (h, given, &h->layers[l]);
  }
  if (status == ADZE_OK)
    status = check_learnt (h);
  if (status == ADZE_OK)
    status = h->run->give_graph (h->host, h->context, "model", given);
  return status == ADZE_OK ? adze_run_give_others (h->host, h->context, h->model, given, "model") : status;
}

static adze_status
run_all (hebbian_run *h)
{
  adze_status status = hebbian_read_settings (h->host, h->params, &h->set);
  if (status == ADZE_OK)
    status = find_services (h);
  if (status == ADZE_OK)
    status = find_inputs (h);
  if (status == ADZE_OK)
    status = h->run->graph (h->host, h->context, h->model, &h->graph);
  if (status == ADZE_OK)
    status = adze_damage_refuse (h->host, h->graph, "model");
  if (status == ADZE_OK)
    status = hebbian_find_layers (h);
  if (status == ADZE_OK)
    status = hebbian_take_importance (h);
  if (status == ADZE_OK)
    status = learn_all (h);
  if (status == ADZE_OK)
    status = give_model (h);
  if (status == ADZE_OK)
    status = hebbian_give_importance (h);
  return status == ADZE_OK ? hebbian_give_report (h) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  hebbian_run h = { .host = host, .context = context, .params = (const adze_params *)instance };
  adze_status status = run_all (&h);
  hebbian_drop_layers (&h);
  return status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the network with the layers that are to learn, and the weights that they begin with" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what it learns from; labels are not looked at" },
  { .name = "importance", .type = "importance", .direction = ADZE_PORT_IN,
    .help = "how important weights are for what was learnt before; 'consolidation' keeps them by it" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT,
    .help = "the network with what its layers have learnt" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "how far each layer has come, and how that was come by" },
  { .name = "importance", .type = "importance", .direction = ADZE_PORT_OUT,
    .help = "with 'measure': how important each weight is now" },
  { .name = NULL }
};

/* Zeros learn as all others do: a weight that is to stay sparse must not be among 'weights'. */
static const char *const breaks[] = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

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
  .id = "hebbian",
  .summary = "Layers learn without labels, each from what comes to it",
  .params = hebbian_params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, &hebbian_mask_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "hebbian",
  .version = "0.1.0",
  .summary = "Layers that learn without labels",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (hebbian, plugin);
