/* SPDX-License-Identifier: Apache-2.0 */
/* nas-evolve-table: a search among results that are known. */
#include <string.h>

#include "nas.h"
#include "table.h"

static const adze_param params[] = {
  NAS_SEARCH_PARAMS ("200", "regularised", "20", "10"),
  { .name = "worth", .type = ADZE_PARAM_STRING,
    .help = "field of the table that says how good a candidate is, the higher the better: \"mean_acc\"" },
  { .name = "costs", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "fields that say what it costs, the lower the better: \"params\", \"flops\"" },
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "table", .type = "text", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the results: JSON, an object of objects, by genome" },
  { .name = "front", .type = "table", .direction = ADZE_PORT_OUT,
    .help = "the candidates that none is better than in everything" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "what was found when, and what random search found" },
  { .name = NULL }
};

/* ---- What is asked for. */

/* Field 0 is the worth. */
static adze_status
read_fields (const adze_host *host, const adze_params *values, const char *fields[1 + NAS_COSTS], uint32_t *costs)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *list = service->get_nested (values, "costs");
  size_t count = service->count (list);
  fields[0] = adze_param_string (host, values, "worth");
  for (size_t i = 0; i < count; i++) {
    fields[1 + i] = service->get_string (list, service->name_at (list, i));
    for (size_t k = 0; k <= i; k++)
      if (strcmp (fields[k], fields[1 + i]) == 0)
        return adze_fail (host, ADZE_E_PARAM, "parameter 'costs': \"%s\" is there already%s", fields[1 + i],
                          k == 0 ? ": it is the worth" : "");
  }
  *costs = (uint32_t)count;
  return ADZE_OK;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  const adze_params_service *service = adze_params_of (host);
  const char *fields[1 + NAS_COSTS];
  uint32_t costs = 0;
  adze_status status
      = nas_check_search (host, values, service->count (service->get_nested (values, "costs")));
  *instance = (void *)(uintptr_t)values;
  return status == ADZE_OK ? read_fields (host, values, fields, &costs) : status;
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- A search. */

static bool
settle (const void *argument, uint8_t genes[NAS_GENES])
{
  return nas_table_find ((const nas_table *)argument, genes) != NULL;
}

static void
list (const void *argument, uint32_t number, uint8_t genes[NAS_GENES])
{
  nas_table_genes ((const nas_table *)argument, number, genes);
}

static adze_status
look (nas_run *n, nas_point *points, size_t count, uint64_t before)
{
  (void)before;
  for (size_t i = 0; i < count; i++) {
    const nas_row *row = nas_table_find ((const nas_table *)n->own, points[i].genes);
    points[i].worth = row->numbers[0];
    memcpy (points[i].costs, row->numbers + 1, sizeof points[i].costs);
  }
  return ADZE_OK;
}

static adze_status
name (const nas_run *n, const uint8_t genes[NAS_GENES], adze_bytes *text)
{
  char key[NAS_GENES + 1];
  nas_table_key ((const nas_table *)n->own, genes, key);
  return adze_bytes_add (n->host, text, key, strlen (key));
}

static adze_status
read_table (nas_run *n, nas_table *table)
{
  const char *fields[1 + NAS_COSTS];
  const void *text = NULL;
  size_t size = 0;
  adze_artifact *given = n->run->input (n->host, n->context, "table");
  adze_status status = read_fields (n->host, n->params, fields, &n->settings.costs);
  if (status == ADZE_OK && !given)
    status = adze_fail (n->host, ADZE_E_NOT_FOUND, "nothing is bound to its port 'table'");
  if (status == ADZE_OK)
    status = n->run->bytes (n->host, given, &text, &size);
  if (status == ADZE_OK)
    status = nas_table_read (n->host, (const char *)text, size, fields, 1 + n->settings.costs, table);
  if (status != ADZE_OK)
    return status;
  n->worth = fields[0];
  memcpy (n->costs, fields + 1, n->settings.costs * sizeof *fields);
  n->space.genes = table->genes;
  memcpy (n->space.choices, table->choices, sizeof table->choices);
  n->space.settle = settle;
  n->space.argument = table;
  n->space.listed = nas_table_is_sparse (table) ? (uint32_t)table->count : 0;
  n->space.list = list;
  return ADZE_OK;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  nas_table table = { .count = 0 };
  nas_run n = { .host = host,
                .params = (const adze_params *)instance,
                .run = adze_run_of (host),
                .context = context,
                .look = look,
                .name = name,
                .own = &table };
  if (!n.run)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RUN);
  adze_status status = read_table (&n, &table);
  if (status == ADZE_OK)
    status = nas_run_search (&n);
  if (status == ADZE_OK)
    status = nas_tell (&n, NULL);
  nas_run_close (&n);
  nas_table_close (&table);
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

const adze_component nas_known_component = {
  .struct_size = sizeof nas_known_component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "nas-evolve-table",
  .summary = "Searches a table of known results by evolution",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};
