/* SPDX-License-Identifier: Apache-2.0 */
/* route-emotion: which of several models answers a query, and why: by what it is about, how it is felt, how fast and how
 * good each model is. */
#include "route.h"

#include <math.h>
#include <time.h>

static const adze_param params[] = {
  { .name = "weight-relevance", .type = ADZE_PARAM_FLOAT, .preset = "0.4", .range = "[0, 1]",
    .help = "of how much a query is like a domain's texts; the four weights have the sum 1" },
  { .name = "weight-compatibility", .type = ADZE_PARAM_FLOAT, .preset = "0.3", .range = "[0, 1]",
    .help = "of how well the emotions of a query go with a domain's profile" },
  { .name = "weight-speed", .type = ADZE_PARAM_FLOAT, .preset = "0.2", .range = "[0, 1]",
    .help = "of how fast a domain's model is, against the fastest" },
  { .name = "weight-quality", .type = ADZE_PARAM_FLOAT, .preset = "0.1", .range = "[0, 1]",
    .help = "of how good it is" },
  { .name = "urgency", .type = ADZE_PARAM_FLOAT, .preset = "0.3", .range = "[0, 1]",
    .help = "so much of all weights goes to speed where a query is as urgent as can be" },
  { .name = "threshold", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "below this score 'fallback' answers" },
  { .name = "fallback", .type = ADZE_PARAM_STRING, .preset = "\"\"", .help = "the domain that answers below 'threshold'" },
  { .name = "history", .type = ADZE_PARAM_INT, .preset = "3", .range = "[1, 100]", .unit = "messages",
    .help = "so many messages of a conversation count, each half of the one behind it" },
  { .name = "negation-window", .type = ADZE_PARAM_INT, .preset = "3", .range = "[0, 20]", .unit = "words",
    .help = "so many words behind a negation speak for the opposite; 0: none" },
  { .name = "scorer", .type = ADZE_PARAM_COMPONENT, .component_kind = ADZE_SCORER, .preset = "\"\"",
    .help = "scores in the place of the weighted sum; adze list scorer shows which there are" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "emotions", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "a classifier of emotions, as emotion-train gives it; emotion-default.safetensors comes with adze" },
  { .name = "domains", .type = "table", .direction = ADZE_PORT_IN, .required = 1,
    .help = "name, description, keywords, examples, profile, latency, quality of each domain" },
  { .name = "queries", .type = "table", .direction = ADZE_PORT_IN, .required = 1,
    .help = "text, and conversation where there are any, in the order in which they came" },
  { .name = "scores", .type = "table", .direction = ADZE_PORT_OUT, .help = "of each query and domain: terms and score" },
  { .name = "decisions", .type = "table", .direction = ADZE_PORT_OUT,
    .help = "of each query: who answers, why, and how" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "how many queries went where" },
  { .name = NULL }
};

/* ---- Parameters. */

static void
read_settings (const adze_host *host, const adze_params *values, route_settings *s)
{
  s->weights[ADZE_TERM_RELEVANCE] = adze_param_float (host, values, "weight-relevance");
  s->weights[ADZE_TERM_COMPATIBILITY] = adze_param_float (host, values, "weight-compatibility");
  s->weights[ADZE_TERM_SPEED] = adze_param_float (host, values, "weight-speed");
  s->weights[ADZE_TERM_QUALITY] = adze_param_float (host, values, "weight-quality");
  s->threshold = adze_param_float (host, values, "threshold");
  s->urgency = adze_param_float (host, values, "urgency");
  s->fallback = adze_param_string (host, values, "fallback");
  s->history = (uint32_t)adze_param_int (host, values, "history");
  s->window = (uint32_t)adze_param_int (host, values, "negation-window");
}

/* An instance is its parameters, which are the host's. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  route_settings s;
  double sum = 0;
  *instance = (void *)(uintptr_t)values;
  read_settings (host, values, &s);
  for (int t = 0; t < ADZE_TERMS; t++)
    sum += s.weights[t];
  if (fabs (sum - 1) > 1e-9)
    return adze_fail (host, ADZE_E_PARAM,
                      "weight-relevance, weight-compatibility, weight-speed and weight-quality have the sum %.12g; needed "
                      "is 1",
                      sum);
  if (s.threshold > 0 && !*s.fallback)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'threshold' is %g, and 'fallback' names nobody who answers below it",
                      s.threshold);
  if (s.threshold <= 0 && *s.fallback)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'fallback' is \"%s\", and no score is below threshold = 0; give a "
                      "threshold, or leave it out", s.fallback);
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- A run. */

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static adze_status
open_scorer (route_run *r)
{
  const adze_scorers_service *scorers = adze_scorers_of (r->host);
  if (!*adze_param_string (r->host, r->params, "scorer"))
    return ADZE_OK;
  return scorers ? scorers->open (r->host, r->params, "scorer", &r->scorer)
                 : adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_SCORERS);
}

static adze_status
route_all (route_run *r)
{
  const double began = now ();
  adze_status status
      = adze_emotion_read (r->host, r->run->input (r->host, r->context, "emotions"), &r->model);
  const double loaded = now ();
  if (status == ADZE_OK)
    status = open_scorer (r);
  if (status == ADZE_OK)
    status = route_read_domains (r);
  const double ready = now ();
  if (status == ADZE_OK)
    status = route_read_queries (r);
  if (status == ADZE_OK)
    status = route_answer (r);
  if (status == ADZE_OK)
    adze_log (r->host, ADZE_LOG_INFO, "the classifier was read in %.2f ms, domains in %.2f ms; %zu queries took %.2f ms",
              (loaded - began) * 1e3, (ready - loaded) * 1e3, r->query_count, (now () - ready) * 1e3);
  return status;
}

static void
close_run (route_run *r)
{
  const adze_host *host = r->host;
  adze_emotion_close (host, &r->model);
  route_index_close (r);
  r->tables->close (host, r->domain_table);
  r->tables->close (host, r->query_table);
  host->release (host, r->domains);
  host->release (host, r->first);
  host->release (host, r->before);
  host->release (host, r->fresh);
  host->release (host, r->row_of);
  host->release (host, r->readings);
  host->release (host, r->relevance);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  route_run r = { .host = host,
                  .params = (const adze_params *)instance,
                  .run = adze_run_of (host),
                  .tables = adze_table_of (host),
                  .context = context };
  if (!r.run || !r.tables)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s or no %s", ADZE_RUN, ADZE_TABLE);
  read_settings (host, r.params, &r.settings);
  adze_status status = route_all (&r);
  close_run (&r);
  return status;
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "route-emotion",
  .summary = "Chooses which model answers a query, by what it is about and how it is felt",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "route-emotion",
  .version = "0.1.0",
  .summary = "Which model answers, and why",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (route_emotion, plugin);
