/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the parameters of a search among networks, and those that say nothing to others. */
#include <string.h>

#include "trained.h"

const adze_param nas_params[] = {
  { .name = "shape", .type = ADZE_PARAM_STRING,
    .help = "of one example, without the batch: \"784\", \"1x28x28\"" },
  { .name = "layers", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING,
    .help = "those of build-model, with alternatives: \"conv {8|16} {3x3|5x5} pad same relu\"" },
  { .name = "init", .type = ADZE_PARAM_CHOICE, .preset = "he-normal", .choices = BUILD_INITIALS,
    .help = "the numbers that weights begin with" },
  NAS_SEARCH_PARAMS ("40", "nsga2", "12", "3"),
  { .name = "together", .type = ADZE_PARAM_INT, .preset = "4", .range = "[1, 4096]", .unit = "candidates",
    .help = "children that are asked for before any of them is known, and trained side by side; what is found depends "
            "on it, and not on how many processors there are" },
  { .name = "costs", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_CHOICE, .preset = "[\"parameters\"]",
    .choices = NAS_COST_NAMES, .help = "what is to be low beside a high accuracy" },
  { .name = "epochs", .type = ADZE_PARAM_INT, .preset = "3", .range = "[1, 64]",
    .help = "how long a candidate is trained" },
  { .name = "batches", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)",
    .help = "so many of an epoch at most, the first ones; 0: all of the data" },
  { .name = "batch", .type = ADZE_PARAM_INT, .preset = "64", .range = "[1, 1048576]", .unit = "examples",
    .help = "how many make a step" },
  { .name = "optimiser", .type = ADZE_PARAM_CHOICE, .preset = "adam",
    .choices = "sgd|momentum|nesterov|adam|adamw", .help = "how a gradient changes a weight" },
  { .name = "rate", .type = ADZE_PARAM_FLOAT, .preset = "0.001", .range = "(0, inf)",
    .help = "the highest learning rate" },
  { .name = "schedule", .type = ADZE_PARAM_CHOICE, .preset = "cosine", .choices = "constant|cosine",
    .help = "how the rate falls" },
  { .name = "give-up", .type = ADZE_PARAM_INT, .preset = "6", .range = "[0, 1000000]", .unit = "candidates",
    .help = "one is given up once so many that cost no more were better after as many epochs; 0: never" },
  { .name = "finalists", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 1000]",
    .help = "so many of the front are trained further, from one end to the other" },
  { .name = "final-epochs", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 64]",
    .help = "how long, anew and with all of the data; 0: they stay as the search has trained them" },
  { .name = "latency-runs", .type = ADZE_PARAM_INT, .preset = "50", .range = "[1, 1000000]",
    .help = "how often an example is timed for the cost latency, the median of which counts" },
  ADZE_FEED_PARAMS,
  { .name = NULL }
};

/* ---- Words. */

static uint32_t
number_of (const adze_host *host, const adze_params *params, const char *name, const char *words)
{
  return (uint32_t)build_choice (words, adze_param_string (host, params, name));
}

uint32_t
nas_read_costs (const adze_host *host, const adze_params *params, nas_cost *costs, const char **names)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *list = service->get_nested (params, "costs");
  uint32_t count = 0;
  for (size_t i = 0; i < service->count (list) && count < NAS_COSTS; i++) {
    const char *name = service->get_string (list, service->name_at (list, i));
    names[count] = name;
    costs[count++] = (nas_cost)build_choice (NAS_COST_NAMES, name);
  }
  return count;
}

static bool
has_cost (const adze_host *host, const adze_params *params, nas_cost wanted)
{
  nas_cost costs[NAS_COSTS];
  const char *names[NAS_COSTS];
  uint32_t count = nas_read_costs (host, params, costs, names);
  for (uint32_t i = 0; i < count; i++)
    if (costs[i] == wanted)
      return true;
  return false;
}

/* ---- Those that say nothing to others. */

static adze_status
check_costs (const adze_host *host, const adze_params *params)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *list = service->get_nested (params, "costs");
  size_t count = service->count (list);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < i; k++) {
      const char *name = service->get_string (list, service->name_at (list, i));
      if (strcmp (name, service->get_string (list, service->name_at (list, k))) == 0)
        return adze_fail (host, ADZE_E_PARAM, "parameter 'costs' has \"%s\" twice", name);
    }
  return nas_check_search (host, params, count);
}

static adze_status
check_used (const adze_host *host, const adze_params *params)
{
  int64_t runs = adze_param_int (host, params, "latency-runs"), finalists = adze_param_int (host, params, "finalists");
  if (runs != 50 && !has_cost (host, params, NAS_LATENCY))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'latency-runs' is %lld, and latency is none of the costs; leave it out, or name that",
                      (long long)runs);
  if (finalists != 1 && adze_param_int (host, params, "final-epochs") == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'finalists' is %lld, and says nothing where 'final-epochs' is 0: nobody is trained "
                      "further",
                      (long long)finalists);
  return ADZE_OK;
}

adze_status
nas_declare_params (const adze_host *host, const adze_params *params, nas_declared *declared)
{
  return nas_declare (host, adze_params_of (host)->get_nested (params, "layers"),
                      adze_param_string (host, params, "shape"),
                      (build_initial)number_of (host, params, "init", BUILD_INITIALS), declared);
}

adze_status
nas_check_params (const adze_host *host, const adze_params *params)
{
  nas_declared declared = { .host = NULL };
  adze_status status = check_costs (host, params);
  if (status == ADZE_OK)
    status = check_used (host, params);
  if (status == ADZE_OK)
    status = nas_declare_params (host, params, &declared);
  nas_declared_close (&declared);
  return status;
}

/* ---- What adze.train/1 is told. */

void
nas_set_schedule (const nas_trained *t, uint64_t epochs, uint64_t steps, adze_train_settings *s)
{
  const adze_host *host = t->n->host;
  const adze_params *params = t->n->params;
  bool cosine = number_of (host, params, "schedule", "constant|cosine") == 1;
  s->optimiser = 1 + number_of (host, params, "optimiser", "sgd|momentum|nesterov|adam|adamw");
  s->momentum = 0.9;
  s->beta1 = 0.9;
  s->beta2 = 0.999;
  s->epsilon = 1e-8;
  s->schedule = cosine ? ADZE_TRAIN_COSINE : ADZE_TRAIN_CONSTANT;
  s->rate = adze_param_float (host, params, "rate");
  s->total = epochs * steps;
  s->epochs = epochs;
}
