/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/lesson_report.h: what is told of a lesson: a row an epoch while it goes on, and in the end a report and
 * metrics. How fast it was is a metric and a row, and in nothing that is given: that would be other bytes each time.
 * Tier: draft. All inline: what is compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_LESSON_REPORT_H
#define ADZE_DRAFT_LESSON_REPORT_H

#include <math.h>

#include <adze/draft/lesson_base.h>

ADZE_BEGIN_DECLS

/* ---- An epoch. */

static inline adze_field
adze_lesson_real_field (const char *key, double value)
{
  adze_field field;
  memset (&field, 0, sizeof field);
  field.key = key;
  field.type = ADZE_FIELD_FLOAT;
  field.value.real = value;
  return field;
}

static inline adze_field
adze_lesson_count_field (const char *key, uint64_t value)
{
  adze_field field;
  memset (&field, 0, sizeof field);
  field.key = key;
  field.type = ADZE_FIELD_INT;
  field.value.integer = (int64_t)value;
  return field;
}

static inline adze_field
adze_lesson_text_field (const char *key, const char *value)
{
  adze_field field;
  memset (&field, 0, sizeof field);
  field.key = key;
  field.type = ADZE_FIELD_STRING;
  field.value.string = value;
  return field;
}

static inline adze_status
adze_lesson_tell_epoch (const adze_lesson *t, size_t index)
{
  const adze_lesson_epoch *e = &t->history[index];
  char watched[80] = "";
  adze_field fields[6];
  uint32_t count = 0;
  fields[count++] = adze_lesson_count_field ("epoch", index + 1);
  fields[count++] = adze_lesson_count_field ("steps", e->steps);
  fields[count++] = adze_lesson_real_field ("rate", e->rate);
  fields[count++] = adze_lesson_real_field ("loss", e->loss);
  if (!isnan (e->score)) {
    fields[count++] = adze_lesson_real_field ("validation-loss", e->score);
    snprintf (watched, sizeof watched, ", validation %.6g", e->score);
  }
  if (!isnan (e->accuracy)) {
    fields[count++] = adze_lesson_real_field ("accuracy", e->accuracy);
    snprintf (watched, sizeof watched, ", validation %.6g, accuracy %.4f", e->score, e->accuracy);
  }
  adze_log (t->host, ADZE_LOG_INFO, "%s%sepoch %zu of %llu: loss %.6g%s", t->rows ? t->rows : "",
            t->rows ? ": " : "", index + 1, (unsigned long long)t->epochs, e->loss, watched);
  return adze_row (t->host, t->rows ? t->rows : "epochs", fields, count);
}

/* ---- What does not train. */

/* Silently left out, one would be missed only once the network is in use. */
static inline adze_status
adze_lesson_tell_left (const adze_lesson *t)
{
  const char *why, *name;
  adze_bytes line;
  memset (&line, 0, sizeof line);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && (name = t->train->left (t->host, t->training, i, &why)); i++) {
    char words[400];
    int size = snprintf (words, sizeof words, "%s'%s' (%s)", i ? ", " : "", name, why);
    status = adze_bytes_add (t->host, &line, words,
                             (size_t)size < sizeof words ? (size_t)size : sizeof words - 1);
  }
  if (status == ADZE_OK && line.size > 0)
    adze_log (t->host, ADZE_LOG_INFO, "not trained: %.*s", (int)line.size, (const char *)line.data);
  adze_bytes_release (t->host, &line);
  return status;
}

static inline size_t
adze_lesson_count_left (const adze_lesson *t)
{
  const char *why;
  size_t count = 0;
  while (t->train->left (t->host, t->training, count, &why))
    count++;
  return count;
}

static inline void
adze_lesson_report_left (const adze_lesson *t, adze_report *r)
{
  const char *why, *name;
  adze_report_open (t->host, r, "left", "[");
  for (size_t i = 0; (name = t->train->left (t->host, t->training, i, &why)); i++) {
    adze_report_open (t->host, r, NULL, "{");
    adze_report_text (t->host, r, "weight", name);
    adze_report_text (t->host, r, "why", why);
    adze_report_close (t->host, r, "}");
  }
  adze_report_close (t->host, r, "]");
}

/* ---- The end. */

/* What learns of the model's. */
static inline void
adze_lesson_count_learnt (const adze_lesson *t, uint64_t *weights, uint64_t *elements)
{
  t->train->count (t->host, t->training, weights, elements);
  for (size_t i = 0; i < t->rule_count; i++) {
    const adze_train_weight_rule *rule = &t->rules[i];
    if (rule->frozen || rule->next || adze_lesson_owner_of (t, rule->name) != ADZE_LESSON_BESIDE)
      continue;
    const adze_graph_value *value = t->graphs->value (t->learner, t->graphs->find_value (t->learner, rule->name));
    uint64_t count = 1;
    for (int32_t k = 0; k < value->rank; k++)
      count *= (uint64_t)value->shape[k];
    *weights -= 1;
    *elements -= count;
  }
}

/* The epoch whose weights are given. */
static inline size_t
adze_lesson_given_epoch (const adze_lesson *t, const adze_train_progress_info *p)
{
  return t->validation ? (size_t)p->best_epoch : t->history_count - 1;
}

static inline void
adze_lesson_report_epochs (const adze_lesson *t, adze_report *r)
{
  const adze_host *host = t->host;
  adze_report_open (host, r, "epochs", "[");
  for (size_t i = 0; i < t->history_count; i++) {
    const adze_lesson_epoch *e = &t->history[i];
    adze_report_open (host, r, NULL, "{");
    adze_report_count (host, r, "epoch", i + 1);
    adze_report_count (host, r, "steps", e->steps);
    adze_report_number (host, r, "rate", e->rate);
    adze_report_number (host, r, "loss", e->loss);
    if (t->validation)
      adze_report_number (host, r, "validation-loss", e->score);
    if (t->validation && t->classes)
      adze_report_number (host, r, "accuracy", e->accuracy);
    adze_report_close (host, r, "}");
  }
  adze_report_close (host, r, "]");
}

static inline void
adze_lesson_report_protocol (const adze_lesson *t, adze_report *r)
{
  const adze_host *host = t->host;
  static const char *const params[] = { "loss", "optimiser", "schedule" };
  adze_report_open (host, r, "protocol", "{");
  for (size_t i = 0; i < sizeof params / sizeof params[0]; i++)
    adze_report_text (host, r, params[i], adze_param_string (host, t->params, params[i]));
  adze_report_count (host, r, "batch", t->feed.batch);
  adze_report_count (host, r, "batches", t->feed.batches);
  adze_report_text (host, r, "target", t->feed.target->column.name);
  if (t->validation)
    adze_report_count (host, r, "validation-batches", t->watch_feed.batches);
  adze_report_text (host, r, "backend", t->facts.backend);
  adze_report_text (host, r, "identity", t->facts.identity);
  adze_report_count (host, r, "delegated", t->facts.delegated);
  adze_report_close (host, r, "}");
}

static inline adze_status
adze_lesson_write_report (const adze_lesson *t, const adze_train_progress_info *p,
              adze_report *r)
{
  uint64_t weights = 0, elements = 0;
  adze_lesson_count_learnt (t, &weights, &elements);
  adze_report_open (t->host, r, NULL, "{");
  adze_report_count (t->host, r, "weights", weights);
  adze_report_count (t->host, r, "parameters", elements);
  adze_lesson_report_left (t, r);
  adze_report_count (t->host, r, "given-epoch", adze_lesson_given_epoch (t, p) + 1);
  adze_report_bool (t->host, r, "stopped-early", t->history_count < t->epochs);
  adze_lesson_report_protocol (t, r);
  adze_lesson_report_epochs (t, r);
  if (t->report)
    t->report (t->hooks.argument, t, r);
  adze_report_close (t->host, r, "}");
  return r->status;
}

/* Steps of this process alone: what an earlier one did took another time. */
static inline adze_status
adze_lesson_tell_speed (const adze_lesson *t)
{
  double seconds = adze_lesson_now () - t->began - t->watching;
  if (t->examples == 0 || !(seconds > 0))
    return ADZE_OK;
  double speed = (double)t->examples / seconds;
  const adze_field fields[] = {
    adze_lesson_real_field ("examples-per-second", speed),
    adze_lesson_real_field ("seconds", seconds),
    adze_lesson_count_field ("examples", t->examples),
    adze_lesson_count_field ("batch", t->feed.batch),
    adze_lesson_count_field ("threads", t->facts.threads),
    adze_lesson_text_field ("backend", t->facts.backend),
    adze_lesson_text_field ("identity", t->facts.identity),
    adze_lesson_text_field ("counted", "steps of this process, compiling and reading of data among them, "
                           "without validation"),
  };
  adze_status status = adze_row (t->host, "speed", fields, sizeof fields / sizeof fields[0]);
  return status == ADZE_OK ? adze_metric (t->host, "examples-per-second", speed, NULL) : status;
}

static inline adze_status
adze_lesson_tell_metrics (const adze_lesson *t, const adze_train_progress_info *p)
{
  uint64_t weights = 0, elements = 0;
  const adze_lesson_epoch *e = &t->history[adze_lesson_given_epoch (t, p)];
  adze_lesson_count_learnt (t, &weights, &elements);
  const struct {
    const char *name, *unit;
    double value;
  } metrics[] = {
    { "loss", NULL, e->loss },
    { "validation-loss", NULL, e->score },
    { "accuracy", NULL, e->accuracy },
    { "epochs", NULL, (double)t->history_count },
    { "steps", NULL, (double)p->step },
    { "given-epoch", NULL, (double)adze_lesson_given_epoch (t, p) + 1 },
    { "weights", NULL, (double)weights },
    { "parameters", NULL, (double)elements },
    { "left", NULL, (double)adze_lesson_count_left (t) },
    { "delegated", NULL, (double)t->facts.delegated },
    { "memory", "bytes", (double)(t->facts.values + t->facts.constants) },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    if (!isnan (metrics[i].value))
      status = adze_metric (t->host, metrics[i].name, metrics[i].value, metrics[i].unit);
  return status;
}

static inline adze_status
adze_lesson_take_facts (adze_lesson *t)
{
  adze_eval_facts facts;
  memset (&facts, 0, sizeof facts);
  facts.struct_size = sizeof facts;
  adze_status status = t->train->facts (t->host, t->training, &facts);
  if (status != ADZE_OK)
    return status;
  t->facts.delegated = facts.delegated;
  t->facts.threads = facts.threads;
  t->facts.values = facts.values;
  t->facts.constants = facts.constants;
  snprintf (t->facts.backend, sizeof t->facts.backend, "%s", facts.backend ? facts.backend : "?");
  snprintf (t->facts.identity, sizeof t->facts.identity, "%s",
            facts.identity ? facts.identity : "");
  return ADZE_OK;
}

static inline adze_status
adze_lesson_give_report (adze_lesson *t)
{
  adze_report r;
  adze_train_progress_info p;
  memset (&r, 0, sizeof r);
  memset (&p, 0, sizeof p);
  p.struct_size = sizeof p;
  t->train->progress (t->host, t->training, &p);
  adze_status status = adze_lesson_write_report (t, &p, &r);
  if (status == ADZE_OK)
    status = t->run->give_bytes (t->host, t->context, "report", r.text.data, r.text.size);
  adze_bytes_release (t->host, &r.text);
  if (status == ADZE_OK)
    status = adze_lesson_tell_metrics (t, &p);
  return status == ADZE_OK ? adze_lesson_tell_speed (t) : status;
}

ADZE_END_DECLS

#endif
