/* SPDX-License-Identifier: Apache-2.0 */
/* kit/backend_text.c: adze_backend_list, adze_backend_check and adze_backend_bench of adze/host.h:
 * what the kit finds out about backends, as tables for people and as documents. */
#include <inttypes.h>
#include <string.h>

#include "artifact/columns.h"
#include "artifact/meta.h"
#include "base/json.h"
#include "graph/operators.h"
#include "kit/backend_check.h"
#include "kit/backend_speed.h"
#include "plugin/manifest/params.h"

enum { ROUNDS = 8, TIMINGS = 9 };

ADZE_PRINTF (2, 3) static void
cell (adze_columns *columns, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  va_end (arguments);
  columns->failed = columns->failed || !text;
  adze_columns_add (columns, text);
}

static adze_error *
finish_json (adze_value *root, adze_buffer *into)
{
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, into);
  adze_buffer_text (into, "\n");
  return NULL;
}

/* ---- Opening. */

static adze_error *
copy_options (const adze_backend_options *given, adze_backend_options *own)
{
  *own = (adze_backend_options)ADZE_BACKEND_OPTIONS_INIT;
  if (given && (given->struct_size < sizeof given->struct_size
                || given->struct_size > ADZE_STRUCT_SIZE_MAX))
    return adze_error_new (ADZE_E_PARAM,
                           "adze_backend_options.struct_size is %zu; begin with "
                           "ADZE_BACKEND_OPTIONS_INIT",
                           given->struct_size);
  if (given)
    memcpy (own, given, given->struct_size < sizeof *own ? given->struct_size : sizeof *own);
  own->rounds = own->rounds ? own->rounds : ROUNDS;
  own->timings = own->timings ? own->timings : TIMINGS;
  return NULL;
}

/* A backend and the one that it is held against, which is another instance even where it is ref. */
typedef struct pair {
  adze_backend_at_work *backend, *ref;
  const adze_plugin_record *record;
} pair;

static void
pair_cleanup (pair *p)
{
  adze_backend_close (p->backend);
  adze_backend_close (p->ref);
}

static adze_error *
pair_open (adze_runtime *runtime, const char *id, const char *const *settings, pair *p)
{
  static const char *const none[] = { NULL };
  const adze_manifest_component *component;
  adze_plugin_record *record;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  p->record = record;
  if (strcmp (component->kind, ADZE_BACKEND) == 0)
    ADZE_TRY (adze_settings_parse (component, settings ? settings : none, &document));
  ADZE_TRY (adze_backend_open (runtime, id, &document, document.root, &p->backend));
  return adze_backend_open (runtime, "ref", NULL, NULL, &p->ref);
}

static const char *
determinism_of (const pair *p)
{
  switch (adze_backend_callbacks (p->backend)->determinism) {
  case ADZE_SAME_FOR_ANY_THREADS:
    return "any-threads";
  case ADZE_SAME_FOR_SAME_THREADS:
    return "same-threads";
  default:
    return "none";
  }
}

/* "processor", or "device 12". */
static void
memory_of (const pair *p, char text[32])
{
  const adze_device_memory *memory = adze_backend_memory (p->backend);
  snprintf (text, 32, memory ? "device %d" : "processor", memory ? (int)memory->device_type : 0);
}

/* The contracts that a manifest over somebody else's library fulfils; of a plugin there are none. */
static void
kernels_of (const pair *p, adze_buffer *into)
{
  const adze_value *functions = adze_value_get (p->record->manifest->foreign, "function");
  for (size_t i = 0; functions && i < functions->count; i++) {
    const adze_value *contract = adze_value_get (functions->items[i], "contract");
    if (contract && contract->type == ADZE_VALUE_STRING)
      adze_buffer_format (into, "%s%s", into->size ? " " : "", contract->string);
  }
}

/* What is said of a backend in each document. */
static void
describe (const pair *p, adze_value *into)
{
  char memory[32];
  ADZE_AUTO (adze_buffer) kernels = { 0 };
  memory_of (p, memory);
  kernels_of (p, &kernels);
  adze_json_string (into, "id", adze_backend_id (p->backend));
  adze_json_string (into, "plugin", p->record->manifest->id);
  adze_json_string (into, "version", p->record->manifest->version);
  adze_json_string (into, "identity", adze_backend_identity (p->backend));
  adze_json_string (into, "determinism", determinism_of (p));
  adze_json_string (into, "memory", memory);
  adze_json_string (into, "kernels", kernels.data);
}

static void
head (const pair *p, adze_buffer *into)
{
  const char *identity = adze_backend_identity (p->backend);
  adze_buffer_safe_line (into, "backend %s (plugin %s %s%s%s)", adze_backend_id (p->backend),
                      p->record->manifest->id, p->record->manifest->version,
                      identity[0] ? "; " : "", identity);
}

/* ---- Which there are. */

static adze_error *
list_one (adze_runtime *runtime, const adze_component_info *info, adze_columns *t, adze_value *list)
{
  __attribute__ ((cleanup (pair_cleanup))) pair p = { 0 };
  ADZE_AUTO_ERROR error = pair_open (runtime, info->id, NULL, &p);
  adze_value *entry = adze_json_table (list, NULL);
  char memory[32];
  if (error) {
    adze_json_string (entry, "id", info->id);
    adze_json_string (entry, "plugin", info->plugin);
    adze_json_string (entry, "failure", adze_error_message (error));
    cell (t, "%s", info->id);
    cell (t, "%s", info->plugin);
    cell (t, "-");
    cell (t, "-");
    cell (t, "%s", "");
    cell (t, "cannot be begun: %s", adze_error_message (error));
    return NULL;
  }
  ADZE_AUTO (adze_buffer) kernels = { 0 };
  describe (&p, entry);
  memory_of (&p, memory);
  kernels_of (&p, &kernels);
  cell (t, "%s", info->id);
  cell (t, "%s %s", p.record->manifest->id, p.record->manifest->version);
  cell (t, "%s", determinism_of (&p));
  cell (t, "%s", memory);
  cell (t, "%s", kernels.data ? kernels.data : "");
  cell (t, "%s", adze_backend_identity (p.backend)[0] ? adze_backend_identity (p.backend) : "-");
  return NULL;
}

adze_error *
adze_backend_list (adze_runtime *runtime, bool json, char **text)
{
  static const char *const names[] = { "id", "plugin", "determinism", "memory", "kernels",
                                       "identity" };
  ADZE_AUTO (adze_columns) t = { .right = "llllll", .count = ADZE_COUNT_OF (names) };
  ADZE_AUTO (adze_buffer) into = { 0 };
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  const adze_component_info *const *infos;
  size_t count;
  *text = NULL;
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_component_list (runtime, ADZE_BACKEND, &infos, &count));
  adze_value *list = adze_json_list (root, "backends");
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++)
    cell (&t, "%s", names[i]);
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (list_one (runtime, infos[i], &t, list));
  if (json)
    ADZE_TRY (finish_json (root, &into));
  else
    adze_columns_write (&t, 0, &into);
  return adze_buffer_finish (&into, text);
}

/* ---- Against ref. */

static const char *
type_name (char type)
{
  const char *name = adze_dtype_name (adze_op_type (type));
  return name ? name : "?";
}

/* Operators that the host knows and no problem is about. */
static bool
has_problem (const adze_operator *operator)
{
  for (const adze_op_case *row = adze_op_cases; row->op; row++) {
    bool ours = strncmp (row->op, "adze.", 5) == 0;
    if (strcmp (ours ? row->op + 5 : row->op, operator->name) == 0
        && strcmp (ours ? "adze" : "", operator->domain) == 0)
      return true;
  }
  return false;
}

static void
list_unseen (adze_buffer *into, adze_value *list)
{
  const adze_operator *operator;
  for (size_t i = 0; (operator = adze_operator_at (i)); i++) {
    if (has_problem (operator))
      continue;
    adze_buffer_format (into, "%s%s", into->size ? ", " : "", operator->name);
    adze_json_string (list, NULL, operator->name);
  }
}

typedef struct summary {
  unsigned operators, broken, unclaimed;
  adze_buffer left, losing; /* names */
  uint64_t codes, beside;
} summary;

static void
summary_cleanup (summary *s)
{
  adze_buffer_cleanup (&s->left);
  adze_buffer_cleanup (&s->losing);
}

/* NAME once, whatever the types. */
static void
add_name (adze_buffer *names, const char *name)
{
  size_t size = strlen (name);
  if (names->size >= size && strcmp (names->data + names->size - size, name) == 0)
    return;
  adze_buffer_format (names, "%s%s", names->size ? ", " : "", name);
}

/* Is the operator claimed with elements of any type at all? */
static bool
claimed_at_all (const adze_op_verdicts *all, const char *op)
{
  for (size_t i = 0; i < all->count; i++)
    if (strcmp (all->items[i].op, op) == 0 && all->items[i].claimed)
      return true;
  return false;
}

static void
sum_up (const adze_op_verdicts *all, summary *s)
{
  for (size_t i = 0; i < all->count; i++) {
    const adze_op_verdict *v = &all->items[i];
    bool first = i == 0 || strcmp (v->op, all->items[i - 1].op) != 0;
    s->broken += v->broken > 0;
    s->codes += v->codes;
    s->beside += v->beside;
    if (v->loses_nan)
      add_name (&s->losing, v->op);
    if (!first)
      continue;
    if (claimed_at_all (all, v->op))
      s->operators++;
    else {
      s->unclaimed++;
      add_name (&s->left, v->op);
    }
  }
}

static const char *
verdict_of (const adze_op_verdict *v)
{
  return v->broken ? "BROKEN" : v->claimed ? "holds" : "not claimed";
}

static void
check_text (const pair *p, const adze_backend_options *o, const adze_op_verdicts *all,
            const summary *s, adze_buffer *into)
{
  static const char *const names[]
      = { "operator", "type", "cases", "claimed", "absolute", "relative", "verdict" };
  ADZE_AUTO (adze_columns) t = { .right = "llrrrrl", .count = ADZE_COUNT_OF (names) };
  ADZE_AUTO (adze_buffer) unseen = { 0 };
  head (p, into);
  adze_buffer_format (into,
                      "held against ref: each problem with sizes of 1, odd, 0, large, special "
                      "numbers, and %u times drawn; seed %" PRIu64 "\n",
                      o->rounds, o->seed);
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++)
    cell (&t, "%s", names[i]);
  for (size_t i = 0; i < all->count; i++) {
    const adze_op_verdict *v = &all->items[i];
    if (!v->claimed)
      continue;
    cell (&t, "%s", v->op);
    cell (&t, "%s", type_name (v->type));
    cell (&t, "%u", v->cases);
    cell (&t, "%u", v->claimed);
    cell (&t, "%.2g", v->absolute);
    cell (&t, "%.2g", v->relative);
    cell (&t, "%s", verdict_of (v));
  }
  if (s->operators)
    adze_columns_write (&t, 0, into);
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].first)
      adze_buffer_safe_line (into, "%s: %s", type_name (all->items[i].type), all->items[i].first);
  if (s->operators)
    adze_buffer_format (into, "%u operator%s claimed, %u line%s broken\n", s->operators,
                        s->operators == 1 ? "" : "s", s->broken, s->broken == 1 ? "" : "s");
  else
    adze_buffer_format (into, "it claims nothing of what the kit has problems for\n");
  if (s->codes)
    adze_buffer_format (into,
                        "codes that are one beside ref's, for lying between two: %" PRIu64
                        " of %" PRIu64 "\n",
                        s->beside, s->codes);
  if (s->losing.size)
    adze_buffer_format (into,
                        "makes numbers of NaN where ref keeps it, which no standard forbids: %s\n",
                        s->losing.data);
  if (s->unclaimed && s->operators)
    adze_buffer_format (into, "not claimed: %s\n", s->left.data);
  list_unseen (&unseen, NULL);
  if (unseen.size && !o->only)
    adze_buffer_format (into, "not looked at, for want of a problem: %s\n", unseen.data);
}

static adze_error *
check_json (const pair *p, const adze_backend_options *o, const adze_op_verdicts *all,
            const summary *s, adze_buffer *into)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_buffer) unseen = { 0 };
  describe (p, root);
  adze_json_int (root, "rounds", o->rounds);
  adze_json_int (root, "seed", (int64_t)o->seed);
  adze_json_int (root, "operators", s->operators);
  adze_json_int (root, "broken", s->broken);
  adze_value *list = adze_json_list (root, "lines");
  for (size_t i = 0; i < all->count; i++) {
    const adze_op_verdict *v = &all->items[i];
    adze_value *line = adze_json_table (list, NULL);
    double absolute, relative;
    adze_op_bound (v->type, v->added, &absolute, &relative);
    adze_json_string (line, "operator", v->op);
    adze_json_string (line, "type", type_name (v->type));
    adze_json_int (line, "cases", v->cases);
    adze_json_int (line, "claimed", v->claimed);
    adze_json_float (line, "absolute", v->absolute);
    adze_json_float (line, "relative", v->relative);
    adze_json_float (line, "absolute-bound", v->codes ? 1 : absolute);
    adze_json_float (line, "relative-bound", relative);
    if (v->codes) {
      adze_json_int (line, "codes", (int64_t)v->codes);
      adze_json_int (line, "beside", (int64_t)v->beside);
    }
    adze_json_string (line, "verdict", verdict_of (v));
    adze_json_bool (line, "loses-nan", v->loses_nan);
    adze_json_string (line, "first", v->first);
  }
  list_unseen (&unseen, adze_json_list (root, "unseen"));
  return finish_json (root, into);
}

adze_error *
adze_backend_check (adze_runtime *runtime, const char *id, const adze_backend_options *given,
                    bool *held, char **text)
{
  adze_backend_options options;
  __attribute__ ((cleanup (pair_cleanup))) pair p = { 0 };
  ADZE_AUTO (adze_op_verdicts) all = { 0 };
  ADZE_AUTO (summary) s = { 0 };
  ADZE_AUTO (adze_buffer) into = { 0 };
  *text = NULL;
  *held = false;
  ADZE_TRY (copy_options (given, &options));
  ADZE_LOCKED (runtime);
  ADZE_TRY (pair_open (runtime, id, options.settings, &p));
  ADZE_TRY (adze_op_check (p.backend, p.ref, options.only, options.rounds, options.seed, &all));
  sum_up (&all, &s);
  *held = s.broken == 0;
  if (options.json)
    ADZE_TRY (check_json (&p, &options, &all, &s, &into));
  else
    check_text (&p, &options, &all, &s, &into);
  return adze_buffer_finish (&into, text);
}

/* ---- How fast. */

static adze_error *
bench_one (adze_runtime *runtime, const char *id, const adze_backend_options *o,
           adze_buffer *into, adze_value *list)
{
  static const char *const names[] = { "work", "median", "lowest", "highest", "unit",
                                       "timings", "by ref" };
  ADZE_AUTO (adze_columns) t = { .right = "lrrrlrr", .count = ADZE_COUNT_OF (names) };
  __attribute__ ((cleanup (pair_cleanup))) pair p = { 0 };
  ADZE_TRY (pair_open (runtime, id, o->settings, &p));
  adze_value *entry = adze_json_table (list, NULL);
  describe (&p, entry);
  adze_value *lines = adze_json_list (entry, "lines");
  head (&p, into);
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++)
    cell (&t, "%s", names[i]);
  for (size_t i = 0; i < ADZE_SPEEDS; i++) {
    adze_speed speed;
    ADZE_TRY (adze_speed_measure (p.backend, p.ref, i, o->timings, &speed));
    cell (&t, "%s", speed.what);
    cell (&t, "%.4g", speed.median);
    cell (&t, "%.4g", speed.lowest);
    cell (&t, "%.4g", speed.highest);
    cell (&t, "%s", speed.unit);
    cell (&t, "%u x %u", speed.timings, speed.executions);
    cell (&t, "%u of %u", speed.delegated, speed.steps);
    adze_value *line = adze_json_table (lines, NULL);
    adze_json_string (line, "work", speed.what);
    adze_json_string (line, "unit", speed.unit);
    adze_json_float (line, "median", speed.median);
    adze_json_float (line, "lowest", speed.lowest);
    adze_json_float (line, "highest", speed.highest);
    adze_json_int (line, "timings", speed.timings);
    adze_json_int (line, "executions", speed.executions);
    adze_json_int (line, "delegated", speed.delegated);
    adze_json_int (line, "programs", speed.steps);
  }
  adze_columns_write (&t, 0, into);
  return NULL;
}

static void
protocol (const adze_runtime *runtime, const adze_backend_options *o, adze_buffer *into)
{
  adze_buffer_format (into,
                      "float32; %d executions first, which do not count (fewer after %d s), then "
                      "up to %u timings (fewer, but 3, after %d s) of as many executions as take "
                      "%d ms; rates, of which the median is meant; %u threads of adze, backends "
                      "may have their own; \"by ref\": nodes that the backend left to ref, of all "
                      "programs\n",
                      (int)ADZE_SPEED_WARM_UP, (int)ADZE_SPEED_WARM_UP_MS / 1000, o->timings,
                      (int)ADZE_SPEED_MOST_MS / 1000, (int)ADZE_SPEED_LEAST_MS,
                      adze_pool_threads (runtime->pool));
}

adze_error *
adze_backend_bench (adze_runtime *runtime, const char *id, const adze_backend_options *given,
                    char **text)
{
  adze_backend_options options;
  ADZE_AUTO (adze_buffer) into = { 0 };
  ADZE_AUTO (adze_buffer) how = { 0 };
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  const adze_component_info *const *infos;
  size_t count;
  *text = NULL;
  ADZE_TRY (copy_options (given, &options));
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_component_list (runtime, ADZE_BACKEND, &infos, &count));
  protocol (runtime, &options, &how);
  adze_json_string (root, "protocol", how.data);
  adze_value *list = adze_json_list (root, "backends");
  for (size_t i = 0; i < (id ? 1 : count); i++)
    ADZE_TRY (bench_one (runtime, id ? id : infos[i]->id, &options, &into, list));
  if (how.size)
    adze_buffer_text (&into, how.data);
  if (options.json) {
    adze_buffer_cleanup (&into);
    into = (adze_buffer){ 0 };
    ADZE_TRY (finish_json (root, &into));
  }
  return adze_buffer_finish (&into, text);
}
