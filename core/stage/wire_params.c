/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that were bound, on their way to a worker: it need not know the files that they were
 * read from, nor the components that they name. */
#include <string.h>

#include "stage/wire.h"

/* How deep parameters of components may lie in each other. */
enum { DEPTH_MOST = 16 };

void
adze_wire_params (const adze_params *params, adze_value *into, const char *key)
{
  adze_value *list = adze_json_list (into, key);
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    adze_value *row = adze_json_table (list, NULL);
    adze_wire_text (row, "name", value->name, strlen (value->name));
    adze_json_int (row, "type", value->type);
    adze_json_bool (row, "given", value->given);
    adze_json_bool (row, "bool", value->boolean);
    adze_json_int (row, "int", value->integer);
    /* As its bits, since JSON lacks infinities. */
    int64_t bits;
    memcpy (&bits, &value->real, sizeof bits);
    adze_json_int (row, "real", bits);
    if (value->string)
      adze_wire_text (row, "string", value->string, strlen (value->string));
    if (value->nested)
      adze_wire_params (value->nested, row, "nested");
  }
}

static adze_error *read_params (const adze_value *list, unsigned depth, adze_params **params);

static adze_error *
read_value (const adze_value *row, unsigned depth, struct adze_param_value *value)
{
  uint64_t type;
  const adze_value *integer = adze_value_get (row, "int");
  const adze_value *real = adze_value_get (row, "real");
  if (!adze_wire_number (row, "type", UINT32_MAX, &type) || !integer || !real
      || integer->type != ADZE_VALUE_INT || real->type != ADZE_VALUE_INT)
    return adze_wire_damaged ("a parameter");
  value->type = (uint32_t)type;
  value->given = adze_wire_truth (row, "given");
  value->boolean = adze_wire_truth (row, "bool");
  value->integer = integer->integer;
  memcpy (&value->real, &real->integer, sizeof value->real);
  ADZE_TRY (adze_wire_text_from (adze_value_get (row, "name"), &value->name, NULL));
  if (adze_value_get (row, "string"))
    ADZE_TRY (adze_wire_text_from (adze_value_get (row, "string"), &value->string, NULL));
  if (adze_value_get (row, "nested"))
    ADZE_TRY (read_params (adze_value_get (row, "nested"), depth + 1, &value->nested));
  return NULL;
}

static adze_error *
read_params (const adze_value *list, unsigned depth, adze_params **params)
{
  if (!list || list->type != ADZE_VALUE_LIST || depth > DEPTH_MOST)
    return adze_wire_damaged ("a set of parameters");
  ADZE_AUTO_PARAMS fresh = calloc (1, sizeof *fresh);
  if (fresh)
    fresh->values = calloc (list->count + 1, sizeof *fresh->values);
  if (!fresh || !fresh->values)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++) {
    fresh->count++;
    ADZE_TRY (read_value (list->items[i], depth, &fresh->values[i]));
  }
  *params = adze_take (&fresh);
  return NULL;
}

adze_error *
adze_wire_params_from (const adze_value *list, adze_params **params)
{
  return read_params (list, 0, params);
}
