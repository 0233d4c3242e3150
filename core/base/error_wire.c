/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as trees of values and back. */
#include "base/error_wire.h"

/* A chain that is longer was not made by us. */
enum { LINKS_MOST = 64 };

void
adze_error_to_value (const adze_error *error, adze_value *into, const char *key)
{
  adze_value *links = adze_json_list (into, key);
  for (; error; error = adze_error_cause (error)) {
    adze_value *link = adze_json_table (links, NULL);
    adze_json_int (link, "status", adze_error_status (error));
    adze_json_string (link, "message", adze_error_message (error));
    adze_value *facts = adze_json_table (link, "facts");
    const char *name, *value;
    for (size_t i = 0; adze_error_fact_at (error, i, &name, &value); i++)
      adze_json_string (facts, name, value);
  }
}

static adze_status
status_of (const adze_value *link)
{
  const adze_value *status = adze_value_get (link, "status");
  if (!status || status->type != ADZE_VALUE_INT || status->integer <= ADZE_OK
      || status->integer > ADZE_E_INTERNAL)
    return ADZE_E_INTERNAL;
  return (adze_status)status->integer;
}

static const char *
text_of (const adze_value *value)
{
  return value && value->type == ADZE_VALUE_STRING ? value->string : "(no text)";
}

adze_error *
adze_error_from_value (const adze_value *value)
{
  if (!value || value->type != ADZE_VALUE_LIST || value->count == 0 || value->count > LINKS_MOST)
    return adze_error_new (ADZE_E_FORMAT, "what was sent as an error is none");
  adze_error *error = NULL;
  for (size_t i = value->count; i-- > 0;) {
    const adze_value *link = value->items[i];
    const char *message = text_of (adze_value_get (link, "message"));
    error = error ? adze_error_wrap (error, "%s", message)
                  : adze_error_new (status_of (link), "%s", message);
    const adze_value *facts = adze_value_get (link, "facts");
    for (size_t j = 0; facts && j < facts->count; j++)
      if (facts->items[j]->key)
        adze_error_set (error, facts->items[j]->key, text_of (facts->items[j]));
  }
  return error;
}
