/* SPDX-License-Identifier: Apache-2.0 */
/* What is told: each layer with its codes, each product that is left with the reason, and how many there are. */
#include <math.h>
#include <string.h>

#include "static.h"

static const char *
op_of (const static_layer *layer)
{
  return layer->kind == LAYER_CONV ? "Conv" : layer->kind == LAYER_GEMM ? "Gemm" : "MatMul";
}

/* Of the signal to what codes leave out, in decibels; nan: they leave nothing out. */
static double
decibels (double power, double noise)
{
  return noise > 0 && power > 0 ? 10 * log10 (power / noise) : NAN;
}

/* ---- Rows. */

static adze_field
text_field (const char *key, const char *value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = value } };
}

static adze_field
int_field (const char *key, int64_t value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_INT, .value = { .integer = value } };
}

static adze_field
real_field (const char *key, double value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = value } };
}

static adze_status
tell_layer (const static_run *s, const static_layer *layer)
{
  const static_value *range = layer->range;
  const adze_field fields[] = {
    text_field ("layer", layer->name),
    text_field ("op", op_of (layer)),
    int_field ("channels", (int64_t)layer->channels),
    int_field ("bits", layer->bits),
    real_field ("sqnr", decibels (layer->power, layer->noise)),
    real_field ("error-nearest", s->measured ? layer->error_nearest : NAN),
    real_field ("error", s->measured ? layer->error : NAN),
    text_field ("input", range ? range->name : ""),
    real_field ("low", range ? range->range.low : NAN),
    real_field ("high", range ? range->range.high : NAN),
    real_field ("scale", range ? (double)range->scale : NAN),
    int_field ("zero", range ? range->zero : 0),
  };
  return adze_row (s->host, "layers", fields, sizeof fields / sizeof fields[0]);
}

static adze_status
tell_one_left (const static_run *s, const static_left *left)
{
  const adze_field fields[] = { text_field ("node", left->name), text_field ("why", left->why) };
  return adze_row (s->host, "left", fields, sizeof fields / sizeof fields[0]);
}

/* ---- In one line. */

static void
warn_of_left (const static_run *s)
{
  char names[200] = "";
  size_t used = 0, named = 0;
  for (; named < s->left_count && used + 2 < sizeof names; named++) {
    int more = snprintf (names + used, sizeof names - used, "%s'%s'", used ? ", " : "", s->left[named].name);
    if (more < 0 || (size_t)more >= sizeof names - used) {
      names[used] = '\0';
      break;
    }
    used += (size_t)more;
  }
  if (s->left_count > 0)
    adze_log (s->host, ADZE_LOG_WARNING, "%zu of %llu products stay in floats: %s%s; the report says why",
              s->left_count, (unsigned long long)s->products, names, named < s->left_count ? " and more" : "");
}

adze_status
static_tell (const static_run *s)
{
  adze_status status = ADZE_OK;
  size_t better = 0; /* layers whose error is less than with the nearest codes */
  warn_of_left (s);
  for (size_t i = 0; i < s->layer_count; i++)
    better += s->layers[i].error < s->layers[i].error_nearest;
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++)
    status = tell_layer (s, &s->layers[i]);
  for (size_t i = 0; status == ADZE_OK && i < s->left_count; i++)
    status = tell_one_left (s, &s->left[i]);
  const struct {
    const char *name;
    double value;
    bool is;
  } metrics[] = {
    { "layers", (double)s->layer_count, true },
    { "left", (double)s->left_count, true },
    { "skipped", (double)s->skipped, true },
    { "examples", (double)s->examples, s->examples > 0 },
    { "integer-nodes", (double)s->in_integers, s->set.integers },
    { "equalised", (double)s->equalised, s->set.equalise },
    { "smoothed", (double)s->smoothed, s->set.smooth > 0 },
    { "smoothed-by-nodes", (double)s->muls, s->set.smooth > 0 },
    { "corrected", (double)s->corrected, s->set.correct },
    { "bias-moved", s->moved, s->set.correct },
    { "layers-better", (double)better, s->measured },
  };
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    if (metrics[i].is)
      status = adze_metric (s->host, metrics[i].name, metrics[i].value, NULL);
  return status;
}

/* ---- The report. */

static void
report_layer (const static_run *s, adze_report *r, const static_layer *layer)
{
  const adze_host *host = s->host;
  adze_report_open (host, r, NULL, "{");
  adze_report_text (host, r, "layer", layer->name);
  adze_report_text (host, r, "weight", layer->weight_name);
  adze_report_text (host, r, "op", op_of (layer));
  adze_report_count (host, r, "channels", layer->channels);
  adze_report_count (host, r, "bits", layer->bits);
  if (layer->power > 0 && layer->noise > 0) /* else nothing is left out, or there is nothing */
    adze_report_number (host, r, "sqnr", decibels (layer->power, layer->noise));
  if (s->measured && isfinite (layer->error) && isfinite (layer->error_nearest)) {
    adze_report_number (host, r, "error-nearest", layer->error_nearest);
    adze_report_number (host, r, "error", layer->error);
  }
  if (layer->range) {
    adze_report_text (host, r, "input", layer->range->name);
    adze_report_number (host, r, "low", layer->range->range.low);
    adze_report_number (host, r, "high", layer->range->range.high);
    adze_report_number (host, r, "scale", (double)layer->range->scale);
    adze_report_number (host, r, "zero", layer->range->zero);
    adze_report_number (host, r, "least", layer->range->seen->least);
    adze_report_number (host, r, "most", layer->range->seen->most);
  }
  adze_report_close (host, r, "}");
}

static void
report_left (const static_run *s, adze_report *r)
{
  adze_report_open (s->host, r, "left", "[");
  for (size_t i = 0; i < s->left_count; i++) {
    adze_report_open (s->host, r, NULL, "{");
    adze_report_text (s->host, r, "node", s->left[i].name);
    adze_report_text (s->host, r, "why", s->left[i].why);
    adze_report_close (s->host, r, "}");
  }
  adze_report_close (s->host, r, "]");
}

adze_status
static_give_report (const static_run *s)
{
  adze_report r = { .status = ADZE_OK };
  adze_report_open (s->host, &r, NULL, "{");
  adze_report_count (s->host, &r, "products", s->products);
  adze_report_count (s->host, &r, "skipped", s->skipped);
  adze_report_count (s->host, &r, "examples", s->examples);
  if (s->measured)
    adze_report_text (s->host, &r, "errors-of", s->held_out ? "held-out" : "data");
  adze_report_open (s->host, &r, "layers", "[");
  for (size_t i = 0; i < s->layer_count; i++)
    report_layer (s, &r, &s->layers[i]);
  adze_report_close (s->host, &r, "]");
  report_left (s, &r);
  adze_report_close (s->host, &r, "}");
  adze_status status = r.status;
  if (status == ADZE_OK)
    status = s->run->give_bytes (s->host, s->context, "report", r.text.data, r.text.size);
  adze_bytes_release (s->host, &r.text);
  return status;
}
