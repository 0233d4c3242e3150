/* SPDX-License-Identifier: Apache-2.0 */
/* causal-estimate: how large an effect is: by a network, by a formula and a table, by regression and by weighting. */
#include "estimate.h"

static const adze_param params[] = {
  { .name = "method", .type = ADZE_PARAM_CHOICE, .choices = "exact|plug-in|ols|ipw|aipw",
    .help = "inference in a network; a formula computed from a table; linear regression; weighting by the inverse "
            "chance of being treated; the last two together" },
  { .name = "do", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "exact: variables that are set: \"bronc=yes\"" },
  { .name = "seen", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "exact: what is seen: \"xray=yes\"" },
  { .name = "ask", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "exact: variables whose distribution is asked for; with a value (\"dysp=yes\"), its probability is told" },
  { .name = "treatment", .type = ADZE_PARAM_STRING, .preset = "\"\"", .help = "ols, ipw, aipw: the column that is set" },
  { .name = "outcome", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "ols, ipw, aipw: the column that the effect is on" },
  { .name = "adjust", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "ols, ipw, aipw: columns that are adjusted for; empty: what the formula or the graph says" },
  { .name = "contrast", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "two values of the treatment, the effect being that of the second against the first; empty: the first and "
            "the last in order" },
  { .name = "weight", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "column that says how much a row counts: a probability, or how often it occurs" },
  { .name = "clip", .type = ADZE_PARAM_FLOAT, .preset = "0.01", .range = "(0, 0.5)",
    .help = "ipw, aipw: chances of being treated are kept so far from 0 and 1" },
  { .name = "bootstrap", .type = ADZE_PARAM_INT, .preset = "200", .range = "[10, 100000]", .unit = "rounds",
    .help = "so many samples are drawn for an interval" },
  { .name = "level", .type = ADZE_PARAM_FLOAT, .preset = "0.95", .range = "(0, 1)", .help = "of the interval" },
  { .name = "refutations", .type = ADZE_PARAM_INT, .preset = "50", .range = "[10, 100000]", .unit = "rounds",
    .help = "so many rounds of each refuter" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "graph", .type = "dag", .direction = ADZE_PORT_IN,
    .help = "ols, ipw, aipw: what causes what; it chooses what is adjusted for, or vouches for it" },
  { .name = "table", .type = "table", .direction = ADZE_PORT_IN, .help = "rows that were seen" },
  { .name = "estimand", .type = "text", .direction = ADZE_PORT_IN,
    .help = "the effect as a formula, as causal-identify gives it" },
  { .name = "network", .type = "text", .direction = ADZE_PORT_IN,
    .help = "exact: a discrete network, in the Bayesian interchange format (BIF)" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "the effect, its interval, what was adjusted for and what refuters said" },
  { .name = "distribution", .type = "table", .direction = ADZE_PORT_OUT,
    .help = "probabilities of what is asked; of ols, ipw and aipw the effect" },
  { .name = NULL }
};

/* ---- What goes with which method. */

static const struct {
  const char *name, *methods;
} of_methods[] = {
  { "do", "exact" },
  { "seen", "exact" },
  { "ask", "exact" },
  { "treatment", "ols|ipw|aipw" },
  { "outcome", "ols|ipw|aipw" },
  { "adjust", "ols|ipw|aipw" },
  { "contrast", "plug-in|ols|ipw|aipw" },
  { "weight", "plug-in|ols|ipw|aipw" },
  { "clip", "ipw|aipw" },
  { "bootstrap", "plug-in|ols|ipw|aipw" },
  { "level", "plug-in|ols|ipw|aipw" },
  { "refutations", "plug-in|ols|ipw|aipw" },
};

static adze_status
check_weighted (const adze_host *host, const adze_params *values)
{
  static const char *const drawn[] = { "bootstrap", "level", "refutations" };
  if (!*adze_param_string (host, values, "weight"))
    return ADZE_OK;
  for (int i = 0; i < 3; i++)
    if (adze_param_is_given (host, values, drawn[i]))
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter '%s' is given, and rows with a 'weight' are no sample that could be drawn from; "
                        "leave it out",
                        drawn[i]);
  return ADZE_OK;
}

/* An instance is its parameters, which are the host's. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  const adze_params_service *service = adze_params_of (host);
  const size_t contrast = service->count (service->get_nested (values, "contrast"));
  adze_status status = ADZE_OK;
  *instance = (void *)(uintptr_t)values;
  for (size_t i = 0; status == ADZE_OK && i < sizeof of_methods / sizeof of_methods[0]; i++)
    status = adze_param_only_with (host, values, of_methods[i].name, "method", of_methods[i].methods);
  if (status == ADZE_OK)
    status = check_weighted (host, values);
  if (status == ADZE_OK && contrast != 0 && contrast != 2)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'contrast' has %zu values, and an effect is between two", contrast);
  if (status == ADZE_OK && strcmp (adze_param_string (host, values, "method"), "exact") == 0
      && service->count (service->get_nested (values, "ask")) == 0)
    return adze_fail (host, ADZE_E_PARAM, "nothing is asked; name variables in 'ask'");
  return status;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- A run. */

adze_status
est_read_port (const est_run *r, const char *port, const void **bytes, size_t *size)
{
  adze_artifact *given = r->run->input (r->host, r->context, port);
  *bytes = NULL;
  *size = 0;
  if (!given)
    return ADZE_OK;
  adze_status status = r->run->bytes (r->host, given, bytes, size);
  if (status == ADZE_OK && *size == 0)
    return adze_fail (r->host, ADZE_E_FORMAT, "its port '%s' is empty", port);
  return status;
}

size_t
est_list_size (const est_run *r, const char *name)
{
  const adze_params_service *service = adze_params_of (r->host);
  return service->count (service->get_nested (r->params, name));
}

const char *
est_list_at (const est_run *r, const char *name, size_t index)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *list = service->get_nested (r->params, name);
  return service->get_string (list, service->name_at (list, index));
}

/* What a method needs must be there. What it has no use for may be: a pipeline binds what is newest of a type. */
static adze_status
check_ports (const est_run *r, const char *method)
{
  const bool exact = strcmp (method, "exact") == 0, plug = strcmp (method, "plug-in") == 0;
  const struct {
    const char *name;
    bool needed;
  } wanted[] = { { "network", exact }, { "table", !exact }, { "estimand", plug } };
  for (int i = 0; i < 3; i++)
    if (wanted[i].needed && !r->run->input (r->host, r->context, wanted[i].name))
      return adze_fail (r->host, ADZE_E_NOT_FOUND,
                        "nothing is bound to its port '%s', and method = \"%s\" needs it; add inputs = { %s = "
                        "\"input.NAME\" } or \"STAGE.PORT\"",
                        wanted[i].name, method, wanted[i].name);
  return ADZE_OK;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const est_run r = { .host = host,
                      .params = (const adze_params *)instance,
                      .run = adze_run_of (host),
                      .context = context };
  if (!r.run)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RUN);
  const char *method = adze_param_string (host, r.params, "method");
  adze_status status = check_ports (&r, method);
  if (status != ADZE_OK)
    return status;
  return strcmp (method, "exact") == 0 ? est_run_exact (&r) : est_run_table (&r);
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
  .id = "causal-estimate",
  .summary = "Finds out how large an effect is, and tries to refute it",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "causal-estimate",
  .version = "0.1.0",
  .summary = "How large effects are",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (causal_estimate, plugin);
