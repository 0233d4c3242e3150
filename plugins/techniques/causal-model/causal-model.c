/* SPDX-License-Identifier: Apache-2.0 */
/* causal-model: structural causal models, fitted or given as equations: what setting something does, what would have been,
 * and how likely a cause was necessary. */
#include "model.h"

static const adze_param params[] = {
  { .name = "kind", .type = ADZE_PARAM_CHOICE, .preset = "linear", .choices = "linear|polynomial|discrete",
    .help = "equations that are linear, or a polynomial of each parent, with noise added; or tables of chances" },
  { .name = "degree", .type = ADZE_PARAM_INT, .preset = "3", .range = "[2, 8]", .help = "polynomial: the highest power" },
  { .name = "equations", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "linear: the model, instead of a graph and a table: \"Y = 0.7 X + 0.4 H\"; who has none is all noise" },
  { .name = "weight", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "discrete: column that says how much a row counts: a probability, or how often it occurs" },
  { .name = "do", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "what is set: \"H=2\"" },
  { .name = "seen", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "what somebody was seen with: \"X=0.5\"" },
  { .name = "ask", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "nodes that are asked for" },
  { .name = "cause", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "discrete: how likely this was necessary for the result: \"smoke=yes\"" },
  { .name = "result", .type = ADZE_PARAM_STRING, .preset = "\"\"", .help = "discrete: of what: \"cancer=yes\"" },
  { .name = "experiment", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .preset = "[]", .range = "[0, 1]",
    .help = "chances of the result with the cause set, and with it prevented, where they were measured" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "graph", .type = "dag", .direction = ADZE_PORT_IN, .help = "what causes what, for a model that is fitted" },
  { .name = "table", .type = "table", .direction = ADZE_PORT_IN, .help = "what it is fitted to" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "the model, and its answers" },
  { .name = "answer", .type = "table", .direction = ADZE_PORT_OUT,
    .help = "of each node that is asked, what it is and what it would be; or bounds of necessity and sufficiency" },
  { .name = NULL }
};

/* ---- Parameters. */

static size_t
length_of (const adze_host *host, const adze_params *values, const char *name)
{
  const adze_params_service *service = adze_params_of (host);
  return service->count (service->get_nested (values, name));
}

static adze_status
check_causation (const adze_host *host, const adze_params *values)
{
  const bool cause = *adze_param_string (host, values, "cause"), result = *adze_param_string (host, values, "result");
  const size_t experiment = length_of (host, values, "experiment");
  if (cause != result)
    return adze_fail (host, ADZE_E_PARAM, "parameter '%s' is empty, and '%s' is not; both are needed",
                      cause ? "result" : "cause", cause ? "cause" : "result");
  if (experiment != 0 && experiment != 2)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'experiment' has %zu numbers; two are needed: with the cause set, and prevented",
                      experiment);
  if (experiment && !cause)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'experiment' says nothing without 'cause' and 'result'");
  if (cause && length_of (host, values, "ask") > 0)
    return adze_fail (host, ADZE_E_PARAM, "parameters 'ask' and 'cause' are two questions; make them two stages");
  if (!cause && length_of (host, values, "ask") == 0)
    return adze_fail (host, ADZE_E_PARAM, "nothing is asked; give 'ask', or 'cause' and 'result'");
  return ADZE_OK;
}

static adze_status
check_question (const adze_host *host, const adze_params *values)
{
  const size_t set = length_of (host, values, "do"), seen = length_of (host, values, "seen");
  if (length_of (host, values, "ask") == 0 && set + seen > 0)
    return adze_fail (host, ADZE_E_PARAM, "parameter '%s' says nothing without 'ask'", set ? "do" : "seen");
  if (length_of (host, values, "ask") > 0 && set == 0
      && (seen == 0 || strcmp (adze_param_string (host, values, "kind"), "discrete") != 0))
    return adze_fail (host, ADZE_E_PARAM, "parameter 'do' is empty: with nothing set, everything stays as it is");
  return ADZE_OK;
}

/* An instance is its parameters, which are the host's. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  static const struct {
    const char *name, *kinds;
  } of_kinds[] = { { "degree", "polynomial" }, { "equations", "linear" },    { "weight", "discrete" },
                   { "cause", "discrete" },    { "result", "discrete" }, { "experiment", "discrete" } };
  adze_status status = ADZE_OK;
  *instance = (void *)(uintptr_t)values;
  for (size_t i = 0; status == ADZE_OK && i < sizeof of_kinds / sizeof of_kinds[0]; i++)
    status = adze_param_only_with (host, values, of_kinds[i].name, "kind", of_kinds[i].kinds);
  if (status == ADZE_OK)
    status = check_causation (host, values);
  return status == ADZE_OK ? check_question (host, values) : status;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

size_t
scm_list_size (const scm *m, const char *name)
{
  return length_of (m->host, m->params, name);
}

const char *
scm_list_at (const scm *m, const char *name, size_t index)
{
  const adze_params_service *service = adze_params_of (m->host);
  const adze_params *list = service->get_nested (m->params, name);
  return service->get_string (list, service->name_at (list, index));
}

/* ---- A run. */

adze_status
scm_read_port (const scm *m, const char *port, const void **bytes, size_t *size)
{
  adze_artifact *given = m->run->input (m->host, m->context, port);
  if (!given)
    return adze_fail (m->host, ADZE_E_NOT_FOUND,
                      "nothing is bound to its port '%s', and without 'equations' the model is fitted; add inputs = { %s = "
                      "\"input.NAME\" } or \"STAGE.PORT\"",
                      port, port);
  return m->run->bytes (m->host, given, bytes, size);
}

static adze_status
fit (scm *m)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_status status = scm_read_graph (m);
  if (status == ADZE_OK)
    status = scm_sort (m);
  if (status == ADZE_OK)
    status = scm_read_port (m, "table", &bytes, &size);
  if (status == ADZE_OK)
    status = est_data_open (m->host, bytes, size, adze_param_string (m->host, m->params, "weight"), &m->data);
  if (status != ADZE_OK)
    return status;
  return m->discrete ? scm_fit_tables (m) : scm_fit (m);
}

static adze_status
read_model (scm *m)
{
  const char *kind = adze_param_string (m->host, m->params, "kind");
  m->discrete = strcmp (kind, "discrete") == 0;
  m->powers = strcmp (kind, "polynomial") == 0 ? (uint32_t)adze_param_int (m->host, m->params, "degree") : 1;
  m->nodes = (scm_node *)m->host->allocate (m->host, SCM_NODES * sizeof *m->nodes);
  if (!m->nodes)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for a model");
  if (scm_list_size (m, "equations") == 0)
    return fit (m);
  adze_status status = scm_read_equations (m);
  return status == ADZE_OK ? scm_sort (m) : status;
}

static adze_status
room_for_question (scm *m)
{
  uint8_t **marks[] = { &m->set, &m->seen, &m->asked };
  double **values[] = { &m->set_to, &m->seen_as };
  bool all = true;
  for (int i = 0; i < 3; i++)
    all = (*marks[i] = (uint8_t *)m->host->allocate (m->host, m->count + 1)) && all;
  for (int i = 0; i < 2; i++)
    all = (*values[i] = (double *)m->host->allocate (m->host, (m->count + 1) * sizeof (double))) && all;
  return all ? ADZE_OK : adze_fail (m->host, ADZE_E_MEMORY, "no room for %u nodes", (unsigned)m->count);
}

static adze_status
answer (scm *m, scm_answers *answers, scm_necessity *necessity)
{
  adze_status status = read_model (m);
  if (status == ADZE_OK)
    status = room_for_question (m);
  if (status == ADZE_OK)
    status = scm_read_question (m);
  if (status != ADZE_OK)
    return status;
  if (*adze_param_string (m->host, m->params, "cause"))
    status = scm_find_necessity (m, necessity);
  else
    status = m->discrete ? scm_ask_tables (m, answers) : scm_ask_units (m, answers);
  return status == ADZE_OK ? scm_tell (m, answers, necessity) : status;
}

static void
end (scm *m, scm_answers *answers)
{
  for (uint32_t i = 0; i < m->count; i++) {
    m->host->release (m->host, m->nodes[i].name);
    if (m->nodes[i].table)
      m->host->release (m->host, m->nodes[i].table);
  }
  void *blocks[] = { m->nodes, m->order, m->set, m->seen, m->asked, m->set_to, m->seen_as, answers->items };
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
    if (blocks[i])
      m->host->release (m->host, blocks[i]);
  est_data_close (&m->data);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  scm m = { .host = host,
            .params = (const adze_params *)instance,
            .run = adze_run_of (host),
            .context = context,
            .data = { .host = host } };
  scm_answers answers = { .count = 0 };
  scm_necessity necessity = { .there = false };
  if (!m.run)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RUN);
  adze_status status = answer (&m, &answers, &necessity);
  end (&m, &answers);
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
  .id = "causal-model",
  .summary = "Says what setting something does, what would have been, and whether a cause was necessary",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

/* Presets alone ask nothing. */
static const char *const given[] = { "causal-model.ask = [\"a\"]", "causal-model.do = [\"b=1\"]", NULL };
static const adze_check_extension check = { .struct_size = sizeof check, .given = given };

static const void *
extension (const char *id)
{
  return strcmp (id, ADZE_CHECK) == 0 ? &check : NULL;
}

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "causal-model",
  .version = "0.1.0",
  .summary = "Structural causal models",
  .license = "Apache-2.0",
  .components = components,
  .extension = extension,
};

ADZE_PLUGIN_REGISTER (causal_model, plugin);
