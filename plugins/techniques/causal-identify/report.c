/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: what was found, as rows, metrics, a formula and a report. */
#include "identify.h"

static const char *const methods[] = { "none", "no-effect", "backdoor", "front-door", "general" };

/* ---- The report. */

static void
report_nodes (const ident_run *r, adze_report *report, const char *name, ident_set set)
{
  adze_report_open (r->host, report, name, "[");
  for IDENT_EACH (v, set)
    adze_report_text (r->host, report, NULL, r->graph.names[v]);
  adze_report_close (r->host, report, "]");
}

static void
report_sets (const ident_run *r, adze_report *report, const char *name, const char *more, const ident_sets *sets)
{
  adze_report_open (r->host, report, name, "[");
  for (size_t i = 0; i < sets->count; i++)
    report_nodes (r, report, NULL, sets->items[i]);
  adze_report_close (r->host, report, "]");
  adze_report_bool (r->host, report, more, sets->more);
}

static void
report_instruments (const ident_run *r, adze_report *report)
{
  adze_report_open (r->host, report, "instruments", "[");
  for (uint32_t i = 0; i < r->instruments.count; i++) {
    const ident_instrument *found = &r->instruments.items[i];
    adze_report_open (r->host, report, NULL, "{");
    adze_report_text (r->host, report, "instrument", r->graph.names[found->node]);
    report_nodes (r, report, "given", found->given);
    adze_report_close (r->host, report, "}");
  }
  adze_report_close (r->host, report, "]");
}

/* An edge as it stands in a dag. */
static void
report_edge (const ident_run *r, adze_report *report, const char *from, uint32_t mark, const char *to)
{
  adze_bytes line = { 0 };
  adze_status status = adze_dag_edge_write (r->host, &line, from, mark, to);
  if (status == ADZE_OK) {
    line.data[line.size - 1] = '\0'; /* for the end of the line */
    adze_report_text (r->host, report, NULL, line.data);
  } else if (report->status == ADZE_OK)
    report->status = status;
  adze_bytes_release (r->host, &line);
}

static void
report_forest (const ident_run *r, adze_report *report, const char *name, ident_set nodes)
{
  const ident_hedge *hedge = &r->hedge;
  adze_report_open (r->host, report, name, "{");
  report_nodes (r, report, "nodes", nodes);
  adze_report_open (r->host, report, "edges", "[");
  for IDENT_EACH (v, nodes)
    if (hedge->child[v] != IDENT_NODES)
      report_edge (r, report, r->graph.names[v], ADZE_DAG_CAUSES, r->graph.names[hedge->child[v]]);
  for IDENT_EACH (w, nodes)
    if (hedge->joined[w] != IDENT_NODES)
      report_edge (r, report, r->graph.names[hedge->joined[w]], ADZE_DAG_HIDDEN, r->graph.names[w]);
  adze_report_close (r->host, report, "]");
  adze_report_close (r->host, report, "}");
}

static void
report_effect (const ident_run *r, adze_report *report)
{
  const adze_host *host = r->host;
  adze_report_text (host, report, "question", r->question.data);
  report_nodes (r, report, "treatment", r->x);
  report_nodes (r, report, "outcome", r->y);
  report_nodes (r, report, "given", r->given);
  adze_report_bool (host, report, "identifiable", r->formula);
  adze_report_text (host, report, "method", methods[r->method]);
  adze_report_text (host, report, "formula", r->text.data);
  adze_report_text (host, report, "sentence", r->sentence.data);
  if (r->formula)
    report_nodes (r, report, "any-value",
                  ident_less (ident_less (r->formula->free, ident_or (r->x, r->y)), r->given));
  report_sets (r, report, "backdoor", "more-backdoor", &r->backdoors);
  report_sets (r, report, "front-door", "more-front-door", &r->front_doors);
  report_instruments (r, report);
  if (r->formula)
    return;
  adze_report_open (host, report, "hedge", "{");
  report_nodes (r, report, "roots", r->hedge.roots);
  report_forest (r, report, "outer", r->hedge.outer);
  report_forest (r, report, "inner", r->hedge.inner);
  adze_report_close (host, report, "}");
}

static const adze_params *
asked (const ident_run *r)
{
  return adze_params_of (r->host)->get_nested (r->params, "separated");
}

static void
report_separations (const ident_run *r, adze_report *report, const ident_separation *separations)
{
  const adze_params_service *service = adze_params_of (r->host);
  adze_report_open (r->host, report, "separations", "[");
  for (size_t i = 0; i < service->count (asked (r)); i++) {
    adze_report_open (r->host, report, NULL, "{");
    adze_report_text (r->host, report, "question", service->get_string (asked (r), service->name_at (asked (r), i)));
    report_nodes (r, report, "of", separations[i].x);
    report_nodes (r, report, "from", separations[i].y);
    report_nodes (r, report, "given", separations[i].z);
    adze_report_bool (r->host, report, "separated", separations[i].yes);
    adze_report_close (r->host, report, "}");
  }
  adze_report_close (r->host, report, "]");
}

static adze_status
give_report (ident_run *r, const ident_separation *separations)
{
  adze_report report = { .status = ADZE_OK };
  adze_report_open (r->host, &report, NULL, "{");
  if (!ident_empty (r->x))
    report_effect (r, &report);
  report_separations (r, &report, separations);
  adze_report_close (r->host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "report", report.text.data, report.text.size);
  adze_bytes_release (r->host, &report.text);
  return status;
}

/* ---- Rows and metrics. */

static adze_field
text_field (const char *key, const char *text)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = text } };
}

static adze_status
row_of_set (const ident_run *r, const char *kind, const char *node, ident_set set)
{
  adze_bytes names = { 0 };
  adze_status status = ident_write_names (r->host, &r->graph, set, &names);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, &names, "", 1);
  if (status == ADZE_OK) {
    const adze_field fields[] = { text_field ("kind", kind), text_field ("node", node), text_field ("set", names.data) };
    status = adze_row (r->host, "sets", fields, 3);
  }
  adze_bytes_release (r->host, &names);
  return status;
}

static adze_status
rows_of_sets (const ident_run *r)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->backdoors.count; i++)
    status = row_of_set (r, "backdoor", "", r->backdoors.items[i]);
  for (size_t i = 0; status == ADZE_OK && i < r->front_doors.count; i++)
    status = row_of_set (r, "front-door", "", r->front_doors.items[i]);
  for (uint32_t i = 0; status == ADZE_OK && i < r->instruments.count; i++)
    status = row_of_set (r, "instrument", r->graph.names[r->instruments.items[i].node], r->instruments.items[i].given);
  return status;
}

static adze_status
tell_effect (ident_run *r)
{
  const adze_field fields[] = {
    text_field ("effect", r->question.data),
    { .key = "identifiable", .type = ADZE_FIELD_INT, .value = { .integer = r->formula != NULL } },
    text_field ("method", methods[r->method]),
    text_field ("formula", r->text.data),
    text_field ("in-words", r->sentence.data),
  };
  adze_status status = adze_row (r->host, "effects", fields, sizeof fields / sizeof fields[0]);
  if (status == ADZE_OK)
    status = rows_of_sets (r);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "identifiable", r->formula ? 1 : 0, NULL);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "backdoor-sets", (double)r->backdoors.count, NULL);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "front-door-sets", (double)r->front_doors.count, NULL);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "instruments", r->instruments.count, NULL);
  adze_log (r->host, ADZE_LOG_INFO, "%s", r->text.data);
  r->text.data[r->text.size - 1] = '\n'; /* the NUL goes, and a line is given */
  return status == ADZE_OK ? r->run->give_bytes (r->host, r->context, "estimand", r->text.data, r->text.size) : status;
}

static adze_status
tell_separations (const ident_run *r, const ident_separation *separations)
{
  const adze_params_service *service = adze_params_of (r->host);
  const size_t count = service->count (asked (r));
  adze_status status = ADZE_OK;
  size_t separated = 0;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const adze_field fields[] = {
      text_field ("question", service->get_string (asked (r), service->name_at (asked (r), i))),
      text_field ("separated", separations[i].yes ? "yes" : "no"),
    };
    separated += separations[i].yes;
    status = adze_row (r->host, "separations", fields, 2);
  }
  return status == ADZE_OK && count > 0 ? adze_metric (r->host, "separated", (double)separated, NULL) : status;
}

adze_status
ident_tell (ident_run *r, const ident_separation *separations)
{
  adze_status status = tell_separations (r, separations);
  if (status == ADZE_OK)
    status = give_report (r, separations);
  return status == ADZE_OK && !ident_empty (r->x) ? tell_effect (r) : status;
}
