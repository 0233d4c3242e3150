/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: what the page says, as data. */
#include <string.h>

#include "explain.h"

static void
report_set (const explain_run *r, adze_report *report, const char *name, const explain_set set)
{
  adze_report_open (r->host, report, name, "[");
  for (uint32_t n = 0; n < r->node_count; n++)
    if (set[n])
      adze_report_text (r->host, report, NULL, explain_name (r, n));
  adze_report_close (r->host, report, "]");
}

static adze_status
report_path (const explain_run *r, adze_report *report, const explain_path *path)
{
  adze_bytes text = { 0 };
  adze_status status = explain_write_path (r, path, &text);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, &text, "", 1);
  if (status == ADZE_OK) {
    const adze_field fields[] = {
      { .key = "path", .type = ADZE_FIELD_STRING, .value = { .string = text.data } },
      { .key = "carries", .type = ADZE_FIELD_STRING, .value = { .string = path->causes ? "effect" : "no effect" } },
      { .key = "open", .type = ADZE_FIELD_STRING, .value = { .string = path->open ? "yes" : "no" } },
    };
    adze_report_open (r->host, report, NULL, "{");
    adze_report_text (r->host, report, "path", text.data);
    adze_report_bool (r->host, report, "effect", path->causes);
    adze_report_bool (r->host, report, "open-by-itself", path->open_alone);
    adze_report_bool (r->host, report, "open", path->open);
    if (!path->open)
      adze_report_text (r->host, report, "blocked-at", explain_name (r, path->blocker));
    adze_report_close (r->host, report, "}");
    status = adze_row (r->host, "paths", fields, sizeof fields / sizeof fields[0]);
  }
  adze_bytes_release (r->host, &text);
  return status;
}

static void
report_pairs (const explain_run *r, adze_report *report)
{
  adze_report_open (r->host, report, "hidden-causes-that-undo-it", "[");
  for (uint32_t i = 0; i < r->pair_count; i++) {
    adze_report_open (r->host, report, NULL, "[");
    adze_report_text (r->host, report, NULL, explain_name (r, r->pairs[i].one));
    adze_report_text (r->host, report, NULL, explain_name (r, r->pairs[i].other));
    adze_report_close (r->host, report, "]");
  }
  adze_report_close (r->host, report, "]");
}

static adze_status
report_all (const explain_run *r, adze_report *report)
{
  adze_status status = ADZE_OK;
  adze_report_open (r->host, report, NULL, "{");
  adze_report_text (r->host, report, "question", r->jsons->text (r->jsons->get (r->identified, "question")));
  report_set (r, report, "treatment", r->treatment);
  report_set (r, report, "outcome", r->outcome);
  adze_report_bool (r->host, report, "adjusts", r->adjusts);
  report_set (r, report, "adjusted-for", r->adjusted);
  adze_report_bool (r->host, report, "drawn", r->drawn == ADZE_DRAWN);
  adze_report_open (r->host, report, "paths", "[");
  for (uint32_t i = 0; status == ADZE_OK && i < r->path_count; i++)
    status = report_path (r, report, &r->paths[i]);
  adze_report_close (r->host, report, "]");
  adze_report_bool (r->host, report, "more-paths", r->more_paths);
  report_pairs (r, report);
  adze_report_bool (r->host, report, "more-hidden-causes", r->more_pairs);
  adze_report_close (r->host, report, "}");
  return status == ADZE_OK ? report->status : status;
}

adze_status
explain_give_report (explain_run *r)
{
  adze_report report = { .status = ADZE_OK };
  adze_status status = report_all (r, &report);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "report", report.text.data, report.text.size);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "paths", r->path_count, NULL);
  adze_bytes_release (r->host, &report.text);
  return status;
}
