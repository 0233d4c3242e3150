/* SPDX-License-Identifier: Apache-2.0 */
/* run/runs_stages.c: metrics that several stages of a run have, side by side: a network evaluated after each
 * step, for a person to see what each step has cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/folder_private.h"

/* Metrics are called STAGE.NAME, and no stage has a dot in its name. */
typedef struct metric {
  const char *stage, *name;
  int stage_size;
  const adze_value *value;
} metric;

static metric
metric_at (const adze_value *metrics, size_t index)
{
  const adze_value *value = metrics->items[index];
  const char *dot = strchr (value->key, '.');
  return (metric){ .stage = value->key,
                   .name = dot ? dot + 1 : value->key,
                   .stage_size = (int)(dot ? (size_t)(dot - value->key) : 0),
                   .value = value };
}

static bool
same_stage (const metric *a, const metric *b)
{
  return a->stage_size == b->stage_size && memcmp (a->stage, b->stage, (size_t)a->stage_size) == 0;
}

/* A file may be anybody's: what is no plain text is not shown here. */
static bool
is_plain (const char *text)
{
  for (; *text; text++)
    if (*text < 0x20 || *text > 0x7e)
      return false;
  return true;
}

/* Those of stages that can be compared, and these stages, each by one of its metrics. */
typedef struct table {
  metric *metrics;
  size_t count;
  metric *stages;
  size_t stage_count;
} table;

static void
table_cleanup (table *t)
{
  free (t->metrics);
  free (t->stages);
}

static adze_error *
table_make (const adze_value *values, table *t)
{
  t->metrics = calloc (values->count + 1, sizeof *t->metrics);
  t->stages = calloc (values->count + 1, sizeof *t->stages);
  if (!t->metrics || !t->stages)
    return adze_error_memory ();
  for (size_t i = 0; i < values->count; i++)
    if (is_plain (values->items[i]->key))
      t->metrics[t->count++] = metric_at (values, i);
  return NULL;
}

static const metric *
find_metric (const table *t, const metric *stage, const char *name)
{
  for (size_t i = 0; i < t->count; i++)
    if (strcmp (t->metrics[i].name, name) == 0 && same_stage (&t->metrics[i], stage))
      return &t->metrics[i];
  return NULL;
}

/* Does another stage have it, too? */
static bool
is_shared (const table *t, const metric *one)
{
  for (size_t i = 0; i < t->count; i++)
    if (strcmp (t->metrics[i].name, one->name) == 0 && !same_stage (&t->metrics[i], one))
      return true;
  return false;
}

static void
keep_shared (table *t)
{
  size_t kept = 0;
  bool *shared = calloc (t->count + 1, sizeof *shared);
  for (size_t i = 0; shared && i < t->count; i++)
    shared[i] = is_shared (t, &t->metrics[i]);
  for (size_t i = 0; shared && i < t->count; i++)
    if (shared[i])
      t->metrics[kept++] = t->metrics[i];
  t->count = kept;
  free (shared);
}

static size_t
count_of (const table *t, const metric *stage)
{
  size_t count = 0;
  for (size_t i = 0; i < t->count; i++)
    count += same_stage (&t->metrics[i], stage);
  return count;
}

static bool
has_stage (const table *t, const metric *one)
{
  for (size_t i = 0; i < t->stage_count; i++)
    if (same_stage (&t->stages[i], one))
      return true;
  return false;
}

/* One that has one number or two like others is mostly of another kind: only those are compared that share at
 * least half as many as the one that shares the most. */
static void
keep_comparable (table *t)
{
  size_t most = 0, kept = 0;
  for (size_t i = 0; i < t->count; i++) {
    if (has_stage (t, &t->metrics[i]))
      continue;
    size_t count = count_of (t, &t->metrics[i]);
    t->stages[t->stage_count++] = t->metrics[i];
    most = count > most ? count : most;
  }
  for (size_t i = 0; i < t->stage_count; i++)
    if (2 * count_of (t, &t->stages[i]) >= most)
      t->stages[kept++] = t->stages[i];
  t->stage_count = kept;
  kept = 0;
  for (size_t i = 0; i < t->count; i++)
    if (has_stage (t, &t->metrics[i]))
      t->metrics[kept++] = t->metrics[i];
  t->count = kept;
}

/* ---- As text. */

enum { CELL = 11 };

static int
width_of (const metric *stage)
{
  return stage->stage_size > CELL ? stage->stage_size : CELL;
}

static void
add_cell (const metric *stage, const adze_value *value, adze_buffer *into)
{
  int width = width_of (stage);
  if (value && value->type == ADZE_VALUE_INT)
    adze_buffer_format (into, "  %*lld", width, (long long)value->integer);
  else if (value && value->type == ADZE_VALUE_FLOAT)
    adze_buffer_format (into, "  %*.*g", width, floor (value->real) == value->real ? 15 : 5, value->real);
  else
    adze_buffer_format (into, "  %*s", width, "-");
}

static void
add_row (const table *t, const char *name, int width, adze_buffer *into)
{
  adze_buffer_format (into, "  %-*s", width, name);
  for (size_t i = 0; i < t->stage_count; i++) {
    const metric *found = find_metric (t, &t->stages[i], name);
    add_cell (&t->stages[i], found ? found->value : NULL, into);
  }
  adze_buffer_text (into, "\n");
}

static bool
came_before (const table *t, size_t index)
{
  for (size_t i = 0; i < index; i++)
    if (strcmp (t->metrics[i].name, t->metrics[index].name) == 0)
      return true;
  return false;
}

adze_error *
adze_runs_show_stages (const adze_value *metrics, adze_buffer *into)
{
  ADZE_AUTO (table) t = { 0 };
  size_t width = 0;
  if (!metrics)
    return NULL;
  ADZE_TRY (table_make (metrics, &t));
  keep_shared (&t);
  keep_comparable (&t);
  keep_shared (&t);
  for (size_t i = 0; i < t.count; i++)
    width = strlen (t.metrics[i].name) > width ? strlen (t.metrics[i].name) : width;
  if (width == 0)
    return NULL;
  adze_buffer_format (into, "stages side by side:\n  %*s", (int)width, "");
  for (size_t i = 0; i < t.stage_count; i++)
    adze_buffer_format (into, "  %*.*s", width_of (&t.stages[i]), t.stages[i].stage_size, t.stages[i].stage);
  adze_buffer_text (into, "\n");
  for (size_t i = 0; i < t.count; i++)
    if (!came_before (&t, i))
      add_row (&t, t.metrics[i].name, (int)width, into);
  return NULL;
}
