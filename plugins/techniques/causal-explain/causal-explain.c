/* SPDX-License-Identifier: Apache-2.0 */
/* causal-explain: one page in plain words about an effect: the graph, its paths, the estimate, and doubts. */
#include <string.h>

#include "explain.h"

static const adze_port ports[] = {
  { .name = "graph", .type = "dag", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what causes what: the graph that the reports are of" },
  { .name = "identified", .type = "report", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the report of causal-identify" },
  { .name = "estimated", .type = "report", .direction = ADZE_PORT_IN,
    .help = "the report of causal-estimate, of the same effect" },
  { .name = "page", .type = "text", .direction = ADZE_PORT_OUT, .help = "the page, in HTML, for people" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "what the page says, as data" },
  { .name = NULL }
};

/* ---- What comes in. */

static adze_status
read_bytes (const explain_run *r, const char *port, const void **bytes, size_t *size)
{
  adze_artifact *given = r->run->input (r->host, r->context, port);
  *bytes = NULL;
  *size = 0;
  return given ? r->run->bytes (r->host, given, bytes, size) : ADZE_OK;
}

static adze_status
read_report (explain_run *r, const char *port, const char *name, adze_json **json, const adze_json_at **at)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_status status = read_bytes (r, port, &bytes, &size);
  if (status != ADZE_OK || !bytes)
    return status;
  status = r->jsons->read (r->host, name, bytes, size, json);
  *at = r->jsons->root (*json);
  return status;
}

static adze_status
read_graph (explain_run *r)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_status status = read_bytes (r, "graph", &bytes, &size);
  if (status == ADZE_OK)
    status = r->dags->read (r->host, "its port 'graph'", bytes, size, &r->dag);
  if (status != ADZE_OK)
    return status;
  r->node_count = r->dags->nodes (r->dag);
  if (r->node_count > EXPLAIN_NODES)
    return adze_fail (r->host, ADZE_E_LIMIT, "the graph has %u nodes; a page has %d at the most", r->node_count,
                      (int)EXPLAIN_NODES);
  for (size_t i = 0; i < r->dags->edges (r->dag); i++) {
    const adze_dag_edge edge = r->dags->edge (r->dag, i);
    if (edge.mark == ADZE_DAG_EITHER)
      return adze_fail (r->host, ADZE_E_UNSUPPORTED,
                        "the direction of '%s --- %s' is not known; a page needs a graph in which all are",
                        explain_name (r, edge.from), explain_name (r, edge.to));
  }
  return ADZE_OK;
}

/* ---- Whom it is about. */

static adze_status
read_names (const explain_run *r, const adze_json_at *list, const char *what, explain_set set)
{
  for (size_t i = 0; i < r->jsons->count (list); i++) {
    const char *name = r->jsons->text (r->jsons->entry (list, i));
    const uint32_t node = adze_dag_find (r->host, r->dag, name);
    if (node == UINT32_MAX)
      return adze_fail (r->host, ADZE_E_NOT_FOUND,
                        "the graph has no node '%s', which the report says is %s: they are not of the same graph", name, what);
    set[node] = 1;
  }
  return ADZE_OK;
}

static adze_status
check_same (const explain_run *r)
{
  static const char *const keys[] = { "treatment", "outcome" };
  const uint8_t *const sets[] = { r->treatment, r->outcome };
  for (int i = 0; i < 2; i++) {
    const adze_json_at *told = r->jsons->get (r->estimated, keys[i]);
    const char *name = r->jsons->type (told) == ADZE_JSON_LIST ? r->jsons->text (r->jsons->entry (told, 0))
                                                              : r->jsons->text (told);
    const uint32_t node = adze_dag_find (r->host, r->dag, name);
    if (!*name || node == UINT32_MAX || !sets[i][node])
      return adze_fail (r->host, ADZE_E_PARAM,
                        "the %s of the report at 'estimated' is '%s', and not that of the report at 'identified': they are "
                        "not of the same effect", keys[i], name);
  }
  return ADZE_OK;
}

static size_t
smallest (const explain_run *r, const adze_json_at *sets)
{
  size_t best = 0;
  for (size_t i = 1; i < r->jsons->count (sets); i++)
    if (r->jsons->count (r->jsons->entry (sets, i)) < r->jsons->count (r->jsons->entry (sets, best)))
      best = i;
  return best;
}

/* What the estimate adjusts for; else what the formula does. */
static adze_status
read_adjusted (explain_run *r)
{
  const adze_json_at *told = r->jsons->get (r->estimated, "adjusted-for");
  const adze_json_at *sets = r->jsons->get (r->identified, "backdoor");
  const bool backdoor = strcmp (r->jsons->text (r->jsons->get (r->identified, "method")), "backdoor") == 0;
  if (told) {
    r->adjusts = true;
    return read_names (r, told, "adjusted for", r->adjusted);
  }
  r->adjusts = backdoor && r->jsons->count (sets) > 0;
  return r->adjusts ? read_names (r, r->jsons->entry (sets, smallest (r, sets)), "adjusted for", r->adjusted) : ADZE_OK;
}

static adze_status
read_effect (explain_run *r)
{
  const adze_json_at *treatment = r->jsons->get (r->identified, "treatment");
  const adze_json_at *outcome = r->jsons->get (r->identified, "outcome");
  if (r->jsons->count (treatment) == 0 || r->jsons->count (outcome) == 0)
    return adze_fail (r->host, ADZE_E_PARAM, "the report at 'identified' is about no effect: give causal-identify a "
                                             "'treatment' and an 'outcome'");
  adze_status status = read_names (r, treatment, "the treatment", r->treatment);
  if (status == ADZE_OK)
    status = read_names (r, outcome, "the outcome", r->outcome);
  if (status == ADZE_OK && r->estimated)
    status = check_same (r);
  return status == ADZE_OK ? read_adjusted (r) : status;
}

/* ---- A run. */

static adze_status
explain (explain_run *r)
{
  adze_status status = read_effect (r);
  if (status != ADZE_OK)
    return status;
  explain_find_paths (r);
  status = explain_find_pairs (r);
  if (status == ADZE_OK)
    status = explain_give_page (r);
  return status == ADZE_OK ? explain_give_report (r) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  adze_json *identified = NULL, *estimated = NULL;
  (void)instance;
  explain_run *r = (explain_run *)host->allocate (host, sizeof *r);
  if (!r)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %d paths", (int)EXPLAIN_PATHS);
  *r = (explain_run){ .host = host, .run = adze_run_of (host), .context = context, .dags = adze_dag_of (host),
                      .jsons = adze_json_of (host) };
  adze_status status = ADZE_OK;
  if (!r->run || !r->dags || !r->jsons)
    status = adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", !r->run ? ADZE_RUN : !r->dags ? ADZE_DAG : ADZE_JSON);
  if (status == ADZE_OK)
    status = read_graph (r);
  if (status == ADZE_OK)
    status = read_report (r, "identified", "its port 'identified'", &identified, &r->identified);
  if (status == ADZE_OK)
    status = read_report (r, "estimated", "its port 'estimated'", &estimated, &r->estimated);
  if (status == ADZE_OK)
    status = explain (r);
  if (r->jsons) {
    r->jsons->close (host, identified);
    r->jsons->close (host, estimated);
  }
  if (r->dags)
    r->dags->close (host, r->dag);
  host->release (host, r);
  return status;
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .run = run,
  .rehearses = 1,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "causal-explain",
  .summary = "One page in plain words about an effect: graph, paths, estimate, doubts",
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "causal-explain",
  .version = "0.1.0",
  .summary = "Effects in plain words",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (causal_explain, plugin);
