/* SPDX-License-Identifier: Apache-2.0 */
/* causal-discover.c: which columns of a table are causes of which: the component and its run. */
#include <string.h>

#include "discover.h"

static const adze_param params[] = {
  { .name = "method", .type = ADZE_PARAM_CHOICE, .preset = "pc", .choices = "pc|ges|notears",
    .help = "tests of independence (PC-stable), greedy search by a score, or weights without circles" },
  { .name = "test", .type = ADZE_PARAM_CHOICE, .preset = "fisher-z", .choices = "fisher-z|chi-square|g-square|oracle",
    .help = "of pc: of numbers, of categories (two), or what the graph at 'graph' says" },
  { .name = "alpha", .type = ADZE_PARAM_FLOAT, .preset = "0.05", .range = "(0, 1)",
    .help = "of pc: two are independent where a test's p is above" },
  { .name = "depth", .type = ADZE_PARAM_INT, .preset = "-1", .range = "[-1, 2048]",
    .help = "of pc: variables that are held fixed in a test, at the most; -1: as many as there are neighbours" },
  { .name = "colliders", .type = ADZE_PARAM_CHOICE, .preset = "majority", .choices = "majority|conservative|best",
    .help = "of pc: a node between two that it does not separate: in most of the sets that do, in all, or in the one "
            "with the largest p" },
  { .name = "score", .type = ADZE_PARAM_CHOICE, .preset = "bic", .choices = "bic|discrete-bic|bdeu",
    .help = "of ges: BIC of numbers, BIC of categories, or BDeu of categories" },
  { .name = "penalty", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "(0, inf)",
    .help = "of bic and discrete-bic: factor of what each number of the model costs" },
  { .name = "equivalent-samples", .type = ADZE_PARAM_FLOAT, .preset = "10", .range = "(0, inf)",
    .help = "of bdeu: rows that what is supposed beforehand counts as" },
  { .name = "lambda", .type = ADZE_PARAM_FLOAT, .preset = "0.1", .range = "[0, inf)",
    .help = "of notears: what the magnitudes of weights cost" },
  { .name = "threshold", .type = ADZE_PARAM_FLOAT, .preset = "0.3", .range = "[0, inf)",
    .help = "of notears: weights that are not larger are no edges" },
  { .name = "tolerance", .type = ADZE_PARAM_FLOAT, .preset = "1e-8", .range = "(0, inf)",
    .help = "of notears: what may be left of circles before weights are cut off" },
  { .name = "rounds", .type = ADZE_PARAM_INT, .preset = "100", .range = "[1, 10000]",
    .help = "of notears: rounds of the augmented Lagrangian, at the most" },
  { .name = "standardise", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "of notears: each column is divided by its standard deviation first" },
  { .name = "required", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "arrows that must be: \"A --> B\"" },
  { .name = "forbidden", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "arrows that must not be: \"A --> B\"" },
  { .name = "tiers", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "who comes before whom, the earliest first: \"A, B\"; later ones are no causes of earlier ones" },
  { .name = "bootstrap", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 100000]",
    .help = "tables that are drawn out of this one, to see how often each edge is found" },
  { .name = "missing", .type = ADZE_PARAM_CHOICE, .preset = "refuse", .choices = "refuse|drop-row",
    .help = "a row without a value (nothing, NA, NaN, nan, null) is refused, or left out" },
  { .name = "discretise", .type = ADZE_PARAM_CHOICE, .preset = "none", .choices = "none|quantile|width",
    .help = "for categories: how columns of numbers with more values than bins are cut up" },
  { .name = "bins", .type = ADZE_PARAM_INT, .preset = "4", .range = "[2, 64]",
    .help = "with discretise: into how many" },
  { .name = "columns", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "names or patterns of the columns to look at; none: all" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "table", .type = "table", .direction = ADZE_PORT_IN,
    .help = "what was observed, a column for each variable; only the oracle does without" },
  { .name = "graph", .type = "dag", .direction = ADZE_PORT_IN,
    .help = "a graph that is known: what the oracle answers from, and what all else is held against" },
  { .name = "dag", .type = "dag", .direction = ADZE_PORT_OUT, .help = "which are causes of which" },
  { .name = "edges", .type = "table", .direction = ADZE_PORT_OUT, .help = "each edge, and how sure it is" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "what was found, and why" },
  { .name = NULL }
};

/* ---- A search. */

adze_status
discover_open_tester (discover_run *r, const discover_data *data, bool draws, discover_tester *tester)
{
  *tester = (discover_tester){ .r = r, .data = data, .draws = draws, .most_given = UINT32_MAX };
  switch (r->settings.test) {
  case DISCOVER_ORACLE:
    tester->scratch = discover_known_scratch;
    tester->ask = discover_known_ask;
    return ADZE_OK;
  case DISCOVER_CHI_SQUARE:
  case DISCOVER_G_SQUARE:
    tester->scratch = discover_contingency_scratch;
    tester->ask = discover_contingency_ask;
    return ADZE_OK;
  case DISCOVER_FISHER_Z:
    break;
  }
  tester->scratch = discover_fisher_scratch;
  tester->ask = discover_fisher_ask;
  tester->most_given = data->rows - 4 < UINT32_MAX ? (uint32_t)(data->rows - 4) : UINT32_MAX;
  adze_status status = discover_correlate (r, data, &tester->correlations);
  return status == ADZE_OK && !draws ? discover_check_singular (r, tester->correlations) : status;
}

void
discover_close_tester (discover_tester *tester)
{
  tester->r->host->release (tester->r->host, tester->correlations);
}

static adze_status
search_by_tests (discover_run *r, const discover_data *data, bool draws, discover_found *found)
{
  discover_tester tester;
  adze_status status = discover_open_tester (r, data, draws, &tester);
  if (status == ADZE_OK)
    status = discover_skeleton (r, &tester, found);
  discover_close_tester (&tester);
  return status == ADZE_OK ? discover_orient (r, found) : status;
}

adze_status
discover_search (discover_run *r, const discover_data *data, bool draws, discover_found *found)
{
  switch (r->settings.method) {
  case DISCOVER_PC:
    return search_by_tests (r, data, draws, found);
  case DISCOVER_GES:
    return discover_by_score (r, data, draws, found);
  case DISCOVER_NOTEARS:
    return discover_by_weights (r, data, draws, found);
  }
  return ADZE_E_INTERNAL;
}

/* ---- A run. */

/* What goes out is a line an edge: a name that would be read as something else cannot be one. */
static adze_status
check_name (const discover_run *r, const char *name)
{
  const adze_dag_service *dags = adze_dag_of (r->host);
  adze_dag *dag = NULL;
  adze_bytes line = { 0 };
  if (!dags)
    return adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_DAG);
  adze_status status = discover_quote (r, name, &line);
  if (status == ADZE_OK)
    status = dags->read (r->host, "the name of a column", line.data, line.size - 1, &dag);
  if (status == ADZE_OK
      && (dags->nodes (dag) != 1 || dags->edges (dag) != 0 || strcmp (dags->name (dag, 0), name) != 0))
    status = adze_fail (r->host, ADZE_E_FORMAT, "a line of its own would be read as something else");
  if (status != ADZE_OK && status != ADZE_E_MEMORY)
    adze_fail (r->host, status, "the column '%s' cannot be a node of a graph by that name; give it a plain one", name);
  dags->close (r->host, dag);
  adze_bytes_release (r->host, &line);
  return status;
}

static adze_status
read_all (discover_run *r)
{
  const bool asks = r->settings.method == DISCOVER_PC && r->settings.test == DISCOVER_ORACLE;
  adze_status status = discover_read_known (r);
  if (status == ADZE_OK && !asks)
    status = discover_read_table (r);
  for (uint32_t i = 0; status == ADZE_OK && !asks && i < r->count; i++)
    status = check_name (r, r->names[i]);
  if (status == ADZE_OK)
    status = discover_name_nodes (r);
  return status == ADZE_OK ? discover_read_knowledge (r) : status;
}

static adze_status
discover_all (discover_run *r)
{
  adze_status status = read_all (r);
  if (status == ADZE_OK)
    status = discover_open_found (r, &r->found);
  r->work = 1 + (uint64_t)r->settings.bootstrap;
  if (status == ADZE_OK)
    status = discover_search (r, &r->data, false, &r->found);
  if (status == ADZE_OK)
    status = discover_bootstrap (r);
  return status == ADZE_OK ? discover_tell (r) : status;
}

static void
end (discover_run *r)
{
  const adze_host *host = r->host;
  discover_close_found (r, &r->found);
  discover_close_data (host, &r->data);
  for (uint32_t i = 0; r->names && i < r->count; i++)
    host->release (host, r->names[i]);
  host->release (host, r->names);
  host->release (host, r->known_nodes);
  host->release (host, r->knowledge.pairs);
  host->release (host, r->counted);
  if (r->known)
    adze_dag_of (host)->close (host, r->known);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  discover_run r = { .host = host,
                     .params = (const adze_params *)instance,
                     .run = adze_run_of (host),
                     .context = context };
  if (!r.run)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RUN);
  adze_status status = discover_read_settings (host, r.params, &r.settings);
  if (status == ADZE_OK)
    status = discover_all (&r);
  end (&r);
  return status;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  discover_settings settings;
  *instance = (void *)(uintptr_t)values;
  return discover_read_settings (host, values, &settings);
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "causal-discover",
  .summary = "Finds which columns of a table are causes of which",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "causal-discover",
  .version = "0.1.0",
  .summary = "Causes from tables",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (causal_discover, plugin);
