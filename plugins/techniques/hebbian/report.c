/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a run of local learning: a row a layer, a report and metrics. */
#include <math.h>
#include <string.h>

#include "hebbian.h"

static adze_status
tell_layer (const hebbian_run *h, const hebbian_layer *layer)
{
  adze_field fields[6];
  uint32_t count = 0;
  fields[count++] = (adze_field){ .key = "weight", .type = ADZE_FIELD_STRING, .value = { .string = layer->name } };
  fields[count++] = (adze_field){ .key = "units", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)layer->units } };
  fields[count++] = (adze_field){ .key = "inputs", .type = ADZE_FIELD_INT,
                                  .value = { .integer = (int64_t)layer->inputs } };
  fields[count++] = (adze_field){ .key = "moved", .type = ADZE_FIELD_FLOAT, .value = { .real = layer->moved } };
  fields[count++] = (adze_field){ .key = "length", .type = ADZE_FIELD_FLOAT, .value = { .real = layer->length } };
  if (!isnan (layer->activity))
    fields[count++] = (adze_field){ .key = "activity", .type = ADZE_FIELD_FLOAT, .value = { .real = layer->activity } };
  return adze_row (h->host, "layers", fields, count);
}

static void
report_layer (const hebbian_run *h, const hebbian_layer *layer, adze_report *r)
{
  adze_report_open (h->host, r, NULL, "{");
  adze_report_text (h->host, r, "weight", layer->name);
  adze_report_count (h->host, r, "units", layer->units);
  adze_report_count (h->host, r, "inputs", layer->inputs);
  adze_report_number (h->host, r, "moved", layer->moved);
  adze_report_number (h->host, r, "length", layer->length);
  if (!isnan (layer->activity))
    adze_report_number (h->host, r, "activity", layer->activity);
  adze_report_close (h->host, r, "}");
}

static void
report_protocol (const hebbian_run *h, adze_report *r)
{
  static const char *const choices[] = { "plasticity", "schedule", "centre", "homeostasis" };
  adze_report_open (h->host, r, "protocol", "{");
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
    adze_report_text (h->host, r, choices[i], adze_param_string (h->host, h->params, choices[i]));
  adze_report_number (h->host, r, "rate", h->set.rate);
  adze_report_count (h->host, r, "epochs", h->set.epochs);
  adze_report_count (h->host, r, "batch", (uint64_t)adze_param_int (h->host, h->params, "batch"));
  adze_report_close (h->host, r, "}");
}

static adze_status
tell_metrics (const hebbian_run *h)
{
  double weights = 0, moved = 0;
  for (size_t l = 0; l < h->layer_count; l++) {
    weights += (double)h->layers[l].units * (double)h->layers[l].inputs;
    moved += h->layers[l].moved / (double)h->layer_count;
  }
  adze_status status = adze_metric (h->host, "layers", (double)h->layer_count, NULL);
  if (status == ADZE_OK)
    status = adze_metric (h->host, "weights", weights, NULL);
  if (status == ADZE_OK && !isnan (moved))
    status = adze_metric (h->host, "moved", moved, NULL);
  return status;
}

adze_status
hebbian_give_report (hebbian_run *h)
{
  adze_report r = { .status = ADZE_OK };
  adze_status status = ADZE_OK;
  adze_report_open (h->host, &r, NULL, "{");
  report_protocol (h, &r);
  adze_report_open (h->host, &r, "layers", "[");
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++) {
    report_layer (h, &h->layers[l], &r);
    status = tell_layer (h, &h->layers[l]);
  }
  adze_report_close (h->host, &r, "]");
  adze_report_close (h->host, &r, "}");
  if (status == ADZE_OK)
    status = r.status;
  if (status == ADZE_OK)
    status = h->run->give_bytes (h->host, h->context, "report", r.text.data, r.text.size);
  adze_bytes_release (h->host, &r.text);
  return status == ADZE_OK ? tell_metrics (h) : status;
}
