/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/diff.c: two models beside each other, by the names of what is in them. Which file has
 * what where does not count. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/decode.h"
#include "artifact/look.h"
#include "artifact/name_index.h"
#include "artifact/stats.h"
#include "base/json.h"

/* What is different about one tensor. */
typedef struct finding {
  const adze_model_tensor *a, *b; /* NULL: not in that model */
  bool type, shape, traits;       /* differ */
  bool measured;                  /* DIFFERENCE holds; a different shape cannot be */
  adze_tensor_difference difference;
} finding;

typedef struct comparison {
  adze_runtime *runtime;
  const adze_model *a, *b;
  const adze_pattern *pattern;
  finding *findings; /* of all tensors that are looked at, equal ones too */
  size_t count;
  size_t equal;
  adze_name_index keys[2]; /* of the metadata of A and B */
  size_t metadata; /* entries that differ */
  size_t parts;
} comparison;

/* ---- Finding out. */

static bool
chosen (const comparison *both, const adze_model_tensor *tensor)
{
  return !both->pattern || adze_pattern_matches (both->pattern, tensor->meta.name);
}

static bool
same_traits (const adze_model_tensor *a, const adze_model_tensor *b)
{
  if (!a->traits || !b->traits)
    return !a->traits == !b->traits;
  return adze_value_equal (a->traits, b->traits);
}

static bool
is_equal (const finding *found)
{
  return found->a && found->b && !found->type && !found->shape && !found->traits
         && found->difference.identical;
}

static adze_error *
compare_tensors (const comparison *both, finding *found)
{
  const adze_tensor_meta *a = &found->a->meta, *b = &found->b->meta;
  found->shape = !adze_tensor_meta_same_shape (a, b);
  found->type = strcmp (adze_meta_type_word (a), adze_meta_type_word (b)) != 0;
  found->traits = !same_traits (found->a, found->b);
  if (found->shape)
    return NULL;
  found->measured = true;
  return adze_difference_read (both->runtime->pool, both->a, found->a, both->b, found->b,
                               &found->difference);
}

static adze_error *
compare_all (comparison *both)
{
  both->findings = calloc (both->a->count + both->b->count + 1, sizeof *both->findings);
  if (!both->findings)
    return adze_error_memory ();
  for (size_t i = 0; i < both->a->count; i++) {
    const adze_model_tensor *tensor = &both->a->tensors[i];
    if (!chosen (both, tensor))
      continue;
    finding *found = &both->findings[both->count++];
    found->a = tensor;
    found->b = adze_model_find (both->b, tensor->meta.name);
    if (found->b)
      ADZE_TRY (compare_tensors (both, found));
    both->equal += is_equal (found);
  }
  for (size_t i = 0; i < both->b->count; i++) {
    const adze_model_tensor *tensor = &both->b->tensors[i];
    if (chosen (both, tensor) && !adze_model_find (both->a, tensor->meta.name))
      both->findings[both->count++] = (finding){ .b = tensor };
  }
  return NULL;
}

/* ---- Metadata and parts, each seen from one side and then from the other. */

static bool
same_key (const void *things, size_t number, const char *name, size_t size)
{
  const adze_metadata_entry *entry = &((const adze_model *)things)->metadata.entries[number];
  return entry->key_size == size && memcmp (entry->key, name, size) == 0;
}

static adze_error *
index_keys (const adze_model *model, adze_name_index *keys)
{
  size_t earlier;
  for (size_t i = 0; i < model->metadata.count; i++)
    ADZE_TRY (adze_name_index_add (keys, model->metadata.entries[i].key,
                                   model->metadata.entries[i].key_size, i, same_key, model,
                                   &earlier));
  return NULL;
}

/* The value of the same key on SIDE, or NULL. */
static const adze_meta *
value_on (const comparison *both, unsigned side, const adze_metadata_entry *entry)
{
  const adze_model *model = side ? both->b : both->a;
  size_t number = adze_name_index_find (&both->keys[side], entry->key, entry->key_size, same_key,
                                        model);
  return number == ADZE_NAME_NONE ? NULL : &model->metadata.entries[number].value;
}

/* "changed", "only in A", or NULL. */
static const char *
judge_metadata (const adze_meta *a, const adze_meta *b, unsigned side)
{
  if (!a || !b)
    return a ? "only in A" : "only in B";
  return side == 0 && !adze_meta_equal (a, b) ? "changed" : NULL;
}

static const char *
judge_part (const adze_model *other, const adze_model_part *part, bool first)
{
  const adze_model_part *found = adze_model_part_find (other, part->id);
  if (!found)
    return first ? "only in A" : "only in B";
  bool same = found->size == part->size && memcmp (found->data, part->data, part->size) == 0;
  return first && !same ? "changed" : NULL;
}

typedef void (*tell_entry) (const char *what, const char *name, const adze_meta *a,
                            const adze_meta *b, void *into);

/* TELL is called for each difference. Returns how many there are. */
static size_t
each_metadata (const comparison *both, tell_entry tell, void *into)
{
  size_t count = 0;
  for (unsigned side = 0; side < 2; side++) {
    const adze_metadata *here = &(side ? both->b : both->a)->metadata;
    for (size_t i = 0; i < here->count; i++) {
      const adze_meta *a = value_on (both, 0, &here->entries[i]);
      const adze_meta *b = value_on (both, 1, &here->entries[i]);
      const char *what = judge_metadata (a, b, side);
      if (what && tell)
        tell (what, here->entries[i].key, a, b, into);
      count += what != NULL;
    }
  }
  return count;
}

static size_t
each_part (const comparison *both, tell_entry tell, void *into)
{
  size_t count = 0;
  for (unsigned side = 0; side < 2; side++) {
    const adze_model *here = side ? both->b : both->a, *other = side ? both->a : both->b;
    for (size_t i = 0; i < here->part_count; i++) {
      const char *what = judge_part (other, &here->parts[i], side == 0);
      if (what && tell)
        tell (what, here->parts[i].id, NULL, NULL, into);
      count += what != NULL;
    }
  }
  return count;
}

/* ---- As JSON. */

/* JSON has no word for "cannot be said": what would say nothing is left out. */
static void
measure_json (adze_value *table, const char *key, double value)
{
  if (!isnan (value))
    adze_json_float (table, key, value);
}

static void
difference_json (const adze_tensor_difference *difference, adze_value *table)
{
  adze_json_bool (table, "identical", difference->identical);
  if (!difference->compared)
    return;
  adze_json_int (table, "differing", (int64_t)difference->differing);
  adze_json_int (table, "not-finite", (int64_t)difference->not_finite);
  adze_json_float (table, "max-error", difference->max_error);
  measure_json (table, "sqnr-db", difference->sqnr_db);
  measure_json (table, "cosine", difference->cosine);
  adze_json_int (table, "zeros-a", (int64_t)difference->zeros_a);
  adze_json_int (table, "zeros-b", (int64_t)difference->zeros_b);
}

static void
side_json (const adze_model_tensor *tensor, adze_value *table, const char *key)
{
  if (!tensor)
    return;
  adze_value *side = adze_json_table (table, key);
  adze_json_string (side, "type", adze_meta_type_word (&tensor->meta));
  adze_look_shape_json (&tensor->meta, side, "shape");
}

static void
finding_json (const finding *found, adze_value *list)
{
  adze_value *table = adze_json_table (list, NULL);
  adze_json_string (table, "name", (found->a ? found->a : found->b)->meta.name);
  side_json (found->a, table, "a");
  side_json (found->b, table, "b");
  adze_json_bool (table, "same", is_equal (found));
  if (found->a && found->b)
    adze_json_bool (table, "same-traits", !found->traits);
  if (found->measured)
    difference_json (&found->difference, table);
}

static void
entry_json (const char *what, const char *name, const adze_meta *a, const adze_meta *b, void *into)
{
  adze_value *table = adze_json_table (into, NULL);
  adze_json_string (table, "name", name);
  adze_json_string (table, "what", what);
  if (a)
    adze_meta_json (a, 0, table, "a");
  if (b)
    adze_meta_json (b, 0, table, "b");
}

static adze_error *
diff_json (const comparison *both, bool same, char **text)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_bool (root, "same", same);
  adze_json_string (root, "a", both->a->path);
  adze_json_string (root, "b", both->b->path);
  adze_value *tensors = adze_json_list (root, "tensors");
  for (size_t i = 0; i < both->count; i++)
    finding_json (&both->findings[i], tensors);
  if (!both->pattern) {
    each_metadata (both, entry_json, adze_json_list (root, "metadata"));
    each_part (both, entry_json, adze_json_list (root, "parts"));
  }
  return adze_look_document (root, text);
}

/* ---- As text. */

static void
add_word (adze_buffer *words, const char *word)
{
  adze_buffer_format (words, "%s%s", words->size ? "; " : "", word);
}

static void
describe (const finding *found, adze_buffer *words)
{
  if (!found->a || !found->b) {
    add_word (words, found->a ? "only in A" : "only in B");
    return;
  }
  const adze_tensor_meta *a = &found->a->meta, *b = &found->b->meta;
  if (found->type) {
    add_word (words, adze_meta_type_word (a));
    adze_buffer_format (words, " became %s", adze_meta_type_word (b));
  }
  if (found->shape) {
    add_word (words, "");
    adze_shape_text (a->rank, a->shape, words);
    adze_buffer_text (words, " became ");
    adze_shape_text (b->rank, b->shape, words);
  }
  if (found->traits)
    add_word (words, "other traits");
  if (!found->measured || found->difference.identical)
    return;
  const char *codec = a->codec ? adze_meta_type_word (a) : adze_meta_type_word (b);
  if (!found->difference.compared) {
    add_word (words, "other bytes");
    adze_buffer_format (words, " (%s is not decoded)", codec);
  } else if (found->difference.differing > 0) {
    adze_buffer_format (words, "%s%" PRIu64 " of %" PRIu64 " values", words->size ? "; " : "",
                        found->difference.differing, found->a->elements);
    if (found->difference.not_finite > 0)
      adze_buffer_format (words, ", %" PRIu64 " of them not finite", found->difference.not_finite);
  } else {
    add_word (words, found->type ? "same values" : "same values, other bytes");
  }
}

static void
add_row (const finding *found, adze_columns *columns)
{
  ADZE_AUTO (adze_buffer) words = { 0 };
  char text[ADZE_NUMBER_TEXT];
  const adze_tensor_difference *difference = &found->difference;
  bool numbers = found->measured && difference->compared && !difference->identical;
  const double values[] = { difference->max_error, difference->sqnr_db, difference->cosine };
  describe (found, &words);
  adze_columns_add (columns, (found->a ? found->a : found->b)->meta.name);
  adze_columns_add (columns, words.data);
  for (size_t i = 0; i < ADZE_COUNT_OF (values); i++)
    adze_columns_add (columns, numbers && !isnan (values[i]) ? adze_look_number (values[i], text)
                                                             : NULL);
  adze_columns_add (columns, numbers ? adze_grouped (difference->zeros_a, text) : NULL);
  adze_columns_add (columns, numbers ? adze_grouped (difference->zeros_b, text) : NULL);
}

static void
write_tensors (const comparison *both, adze_buffer *into)
{
  static const char *const heads[]
      = { "TENSOR", "DIFFERENCE", "MAX ERROR", "SQNR DB", "COSINE", "ZEROS A", "ZEROS B" };
  ADZE_AUTO (adze_columns) columns = { .count = ADZE_COUNT_OF (heads), .right = "llrrrrr" };
  if (both->equal == both->count)
    return;
  for (size_t i = 0; i < ADZE_COUNT_OF (heads); i++)
    adze_columns_add (&columns, heads[i]);
  for (size_t i = 0; i < both->count; i++)
    if (!is_equal (&both->findings[i]))
      add_row (&both->findings[i], &columns);
  adze_buffer_text (into, "\n");
  adze_columns_write (&columns, 0, into);
}

static void
entry_text (const char *what, const char *name, const adze_meta *a, const adze_meta *b, void *into)
{
  adze_columns *columns = into;
  const adze_meta *const sides[] = { a, b };
  adze_columns_add (columns, name);
  adze_columns_add (columns, what);
  for (size_t i = 0; i < ADZE_COUNT_OF (sides); i++) {
    ADZE_AUTO (adze_buffer) value = { 0 };
    if (sides[i])
      adze_look_value (sides[i], &value);
    columns->failed = columns->failed || value.failed;
    adze_columns_add (columns, value.data);
  }
}

static void
write_entries (const comparison *both, bool metadata, adze_buffer *into)
{
  ADZE_AUTO (adze_columns) columns = { .count = 4, .right = "llll" };
  adze_columns_add (&columns, metadata ? "METADATA" : "PART");
  adze_columns_add (&columns, "DIFFERENCE");
  adze_columns_add (&columns, "A");
  adze_columns_add (&columns, "B");
  size_t count = metadata ? each_metadata (both, entry_text, &columns)
                          : each_part (both, entry_text, &columns);
  if (count == 0)
    return;
  adze_buffer_text (into, "\n");
  adze_columns_write (&columns, 0, into);
}

static adze_error *
diff_text (const comparison *both, bool same, char **text)
{
  ADZE_AUTO (adze_buffer) into = { 0 };
  adze_buffer_text (&into, "A: ");
  adze_buffer_safe (&into, both->a->path, strlen (both->a->path));
  adze_buffer_format (&into, " (%s)\nB: ", both->a->format);
  adze_buffer_safe (&into, both->b->path, strlen (both->b->path));
  adze_buffer_format (&into, " (%s)\n", both->b->format);
  write_tensors (both, &into);
  if (!both->pattern) {
    write_entries (both, true, &into);
    write_entries (both, false, &into);
  }
  adze_buffer_format (&into, "\n%zu of %zu tensors are identical", both->equal, both->count);
  if (!both->pattern)
    adze_buffer_format (&into, ", %zu metadata entr%s and %zu part%s differ", both->metadata,
                        both->metadata == 1 ? "y" : "ies", both->parts,
                        both->parts == 1 ? "" : "s");
  adze_buffer_text (&into, same ? ": nothing differs\n" : "\n");
  return adze_buffer_finish (&into, text);
}

/* ---- All of it. */

static adze_error *
nothing_chosen (const comparison *both, const char *match)
{
  return adze_error_new (ADZE_E_NOT_FOUND, "no tensor of %s or %s is named like '%s'", both->a->path,
                         both->b->path, match);
}

static adze_error *
compare_models (comparison *both, const adze_show_options *options, bool *same, char **text)
{
  ADZE_TRY (index_keys (both->a, &both->keys[0]));
  ADZE_TRY (index_keys (both->b, &both->keys[1]));
  ADZE_TRY (compare_all (both));
  if (both->pattern && both->count == 0)
    return nothing_chosen (both, options->match);
  /* Whoever asks about some tensors does not ask about the rest of the file. */
  both->metadata = both->pattern ? 0 : each_metadata (both, NULL, NULL);
  both->parts = both->pattern ? 0 : each_part (both, NULL, NULL);
  *same = both->equal == both->count && both->metadata == 0 && both->parts == 0;
  return options->json ? diff_json (both, *same, text) : diff_text (both, *same, text);
}

adze_error *
adze_model_diff (adze_runtime *runtime, const char *a, const char *b,
                 const adze_show_options *given, bool *same, char **text)
{
  adze_show_options options;
  ADZE_AUTO_MODEL model_a = NULL;
  ADZE_AUTO_MODEL model_b = NULL;
  ADZE_AUTO_PATTERN pattern = NULL;
  *text = NULL;
  *same = false;
  ADZE_TRY (adze_options_copy ("adze_show_options", given, &options, sizeof options));
  ADZE_TRY (adze_look_pattern (options.match, &pattern));
  ADZE_TRY (adze_look_open (runtime, a, &options, &model_a));
  ADZE_TRY (adze_look_open (runtime, b, &options, &model_b));
  comparison both = { .runtime = runtime, .a = model_a, .b = model_b, .pattern = pattern };
  adze_error *error = compare_models (&both, &options, same, text);
  free (both.findings);
  adze_name_index_cleanup (&both.keys[0]);
  adze_name_index_cleanup (&both.keys[1]);
  return error;
}
