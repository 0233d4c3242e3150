/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/vectors.c: the [[foreign.test]] tables, and whether they say enough: a claim that
 * was tested only with squares of ones would hold for almost any mix-up of arguments. */
#include <math.h>
#include <string.h>

#include "plugin/foreign/table.h"

#define VECTORS_MAX 256
#define NUMBERS_MAX 4096
#define TOLERANCE_MAX 0.01

static adze_error *
tolerance_read (const adze_foreign_fields *fields, double *tolerance)
{
  ADZE_TRY (adze_foreign_real (fields, "tolerance", tolerance));
  if (*tolerance >= 0 && *tolerance <= TOLERANCE_MAX)
    return NULL;
  return adze_document_error (fields->document, adze_value_get (fields->table, "tolerance"),
                              "'tolerance' is %g, and must lie in [0, %g]", *tolerance,
                              TOLERANCE_MAX);
}

/* ---- Techniques. */

/* JSON, in which manifests are cached, has no infinities and no NaN and so keeps them as words. */
static bool
number_of (const adze_value *value, double *number)
{
  static const struct {
    const char *word;
    double number;
  } words[] = { { "inf", INFINITY }, { "-inf", -INFINITY }, { "nan", NAN } };
  if (value->type == ADZE_VALUE_INT)
    *number = (double)value->integer;
  else if (value->type == ADZE_VALUE_FLOAT)
    *number = value->real;
  else if (value->type != ADZE_VALUE_STRING)
    return false;
  for (size_t i = 0; value->type == ADZE_VALUE_STRING; i++) {
    if (i == ADZE_COUNT_OF (words))
      return false;
    *number = words[i].number;
    if (strcmp (words[i].word, value->string) == 0)
      break;
  }
  return true;
}

static adze_error *
numbers_read (const adze_foreign_fields *fields, const char *key, double **numbers, size_t *count)
{
  const adze_value *list = adze_value_get (fields->table, key);
  if (!list || list->type != ADZE_VALUE_LIST || list->count == 0 || list->count > NUMBERS_MAX)
    return adze_document_error (fields->document, list ? list : fields->table,
                                "'%s' must be a list of 1 to %d numbers", key, NUMBERS_MAX);
  *numbers = calloc (list->count, sizeof **numbers);
  if (!*numbers)
    return adze_error_memory ();
  *count = list->count;
  for (size_t i = 0; i < list->count; i++)
    if (!number_of (list->items[i], &(*numbers)[i]))
      return adze_document_error (fields->document, list->items[i],
                                  "entry %zu of '%s' must be a number, found %s", i + 1, key,
                                  adze_value_type_name (list->items[i]->type));
  return NULL;
}

static adze_error *
technique_read (const adze_foreign_fields *fields, const adze_foreign_function *function,
                adze_foreign_vector *vector)
{
  static const char *const keys[] = { "component", "params", "input", "expected", "tolerance" };
  size_t expected = 0;
  ADZE_TRY (adze_foreign_names (fields, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (numbers_read (fields, "input", &vector->input, &vector->count));
  ADZE_TRY (numbers_read (fields, "expected", &vector->expected, &expected));
  if (expected != vector->count)
    return adze_document_error (fields->document, adze_value_get (fields->table, "expected"),
                                "'input' has %zu numbers and 'expected' has %zu", vector->count,
                                expected);
  vector->params = adze_value_get (fields->table, "params");
  if (vector->params && vector->params->type != ADZE_VALUE_TABLE)
    return adze_document_error (fields->document, vector->params,
                                "'params' must be a table, found %s",
                                adze_value_type_name (vector->params->type));
  ADZE_AUTO_PARAMS params = NULL;
  return adze_params_bind (function->component, fields->document, vector->params, NULL, NULL,
                           NULL, NULL, &params);
}

static bool
vector_changes (const adze_foreign_vector *vector)
{
  for (size_t i = 0; i < vector->count; i++)
    if (!isnan (vector->expected[i]) && vector->input[i] != vector->expected[i])
      return true;
  return false;
}

static void
technique_lacks (const adze_foreign_table *table, size_t function, adze_buffer *lacks)
{
  const adze_manifest_component *component = table->functions[function].component;
  bool changes = false;
  for (size_t i = 0; i < table->vector_count; i++)
    if (table->vectors[i].function == function && table->vectors[i].count > 1)
      changes = changes || vector_changes (&table->vectors[i]);
  if (!changes)
    adze_buffer_text (lacks, "one with several numbers of which some change");
  for (size_t n = 0; n < component->param_count; n++) {
    bool given = false;
    for (size_t i = 0; i < table->vector_count; i++)
      given = given
              || (table->vectors[i].function == function
                  && adze_value_get (table->vectors[i].params, component->params[n].name));
    if (!given)
      adze_buffer_format (lacks, "%sone that sets the parameter '%s'", lacks->size ? "; " : "",
                          component->params[n].name);
  }
}

/* ---- All of them. */

static adze_error *
vector_function (const adze_foreign_fields *fields, const adze_foreign_table *table,
                 size_t *function)
{
  const char *contract = NULL;
  const char *component = NULL;
  ADZE_TRY (adze_foreign_text (fields, "contract", false, &contract));
  ADZE_TRY (adze_foreign_text (fields, "component", false, &component));
  if ((contract == NULL) == (component == NULL))
    return adze_document_error (fields->document, fields->table,
                                "a test has either a 'contract' or a 'component'");
  for (size_t i = 0; i < table->function_count; i++)
    if ((table->functions[i].component == NULL) == (component == NULL)
        && strcmp (adze_foreign_function_name (&table->functions[i]),
                   component ? component : contract)
               == 0) {
      *function = i;
      return NULL;
    }
  return adze_document_error (fields->document,
                              adze_value_get (fields->table, component ? "component" : "contract"),
                              "no [[foreign.function]] is for '%s'",
                              component ? component : contract);
}

static adze_error *
vector_read (const adze_foreign_fields *fields, const adze_foreign_table *table,
             adze_foreign_vector *vector)
{
  vector->line = fields->table->line;
  ADZE_TRY (vector_function (fields, table, &vector->function));
  const adze_foreign_function *function = &table->functions[vector->function];
  if (function->component)
    ADZE_TRY (technique_read (fields, function, vector));
  else
    ADZE_TRY (adze_foreign_case_read (fields, function, vector));
  return tolerance_read (fields, &vector->tolerance);
}

static adze_error *
vectors_suffice (const adze_document *document, const adze_value *foreign,
                 const adze_foreign_table *table)
{
  for (size_t i = 0; i < table->function_count; i++) {
    ADZE_AUTO (adze_buffer) lacks = { 0 };
    if (table->functions[i].component)
      technique_lacks (table, i, &lacks);
    else
      adze_foreign_case_lacks (table, i, &lacks);
    if (lacks.failed)
      return adze_error_memory ();
    if (lacks.size)
      return adze_document_error (document, adze_value_get (foreign, "test"),
                                  "the tests of '%s' show too little: add %s",
                                  adze_foreign_function_name (&table->functions[i]), lacks.data);
  }
  return NULL;
}

adze_error *
adze_foreign_vectors_read (const adze_document *document, const adze_value *foreign,
                           adze_foreign_table *table)
{
  const adze_value *list = NULL;
  adze_foreign_fields fields = { document, foreign };
  ADZE_TRY (adze_foreign_tables (&fields, "test", VECTORS_MAX, &list));
  table->vectors = calloc (list->count, sizeof *table->vectors);
  if (!table->vectors)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++) {
    adze_foreign_fields test = { document, list->items[i] };
    table->vector_count++; /* one that is half read has memory too */
    ADZE_TRY (vector_read (&test, table, &table->vectors[i]));
  }
  return vectors_suffice (document, foreign, table);
}
