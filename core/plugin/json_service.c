/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/json_service.c: adze.json/1: the reader of core, for plugins. */
#include <adze/draft/json.h>

#include "base/json.h"
#include "plugin/host_table.h"
#include "plugin/services.h"

struct adze_json {
  adze_document document;
};

/* The SDK's name for a value. */
static const adze_value *
value_of (const adze_json_at *at)
{
  return (const adze_value *)at;
}

static void
close_json (const adze_host *host, adze_json *json)
{
  (void)host;
  if (json)
    adze_document_cleanup (&json->document);
  free (json);
}

static adze_status
read_json (const adze_host *host, const char *name, const void *data, size_t size, adze_json **json)
{
  adze_json *fresh = calloc (1, sizeof *fresh);
  *json = NULL;
  adze_error *error = fresh ? adze_json_parse (name, data, size, &fresh->document) : adze_error_memory ();
  if (!error) {
    *json = fresh;
    return ADZE_OK;
  }
  close_json (host, fresh);
  return adze_desk_fail (adze_desk_of (host), error);
}

static const adze_json_at *
root (const adze_json *json)
{
  return json ? (const adze_json_at *)json->document.root : NULL;
}

static uint32_t
type_of (const adze_json_at *at)
{
  static const uint32_t types[] = {
    [ADZE_VALUE_BOOL] = ADZE_JSON_BOOL,     [ADZE_VALUE_INT] = ADZE_JSON_NUMBER, [ADZE_VALUE_FLOAT] = ADZE_JSON_NUMBER,
    [ADZE_VALUE_STRING] = ADZE_JSON_TEXT,   [ADZE_VALUE_LIST] = ADZE_JSON_LIST,
    [ADZE_VALUE_TABLE] = ADZE_JSON_OBJECT,
  };
  return at && value_of (at)->type < ADZE_COUNT_OF (types) ? types[value_of (at)->type] : ADZE_JSON_NONE;
}

static size_t
count (const adze_json_at *at)
{
  const uint32_t type = type_of (at);
  return type == ADZE_JSON_LIST || type == ADZE_JSON_OBJECT ? value_of (at)->count : 0;
}

static const adze_json_at *
entry (const adze_json_at *at, size_t index)
{
  return index < count (at) ? (const adze_json_at *)value_of (at)->items[index] : NULL;
}

static const char *
key_of (const adze_json_at *at, size_t index)
{
  return type_of (at) == ADZE_JSON_OBJECT && index < count (at) ? value_of (at)->items[index]->key : "";
}

static const adze_json_at *
get (const adze_json_at *at, const char *key)
{
  return (const adze_json_at *)adze_value_get (value_of (at), key);
}

static const char *
text (const adze_json_at *at)
{
  return type_of (at) == ADZE_JSON_TEXT ? value_of (at)->string : "";
}

static double
number (const adze_json_at *at)
{
  if (type_of (at) != ADZE_JSON_NUMBER)
    return 0;
  return value_of (at)->type == ADZE_VALUE_INT ? (double)value_of (at)->integer : value_of (at)->real;
}

static bool
truth (const adze_json_at *at)
{
  return type_of (at) == ADZE_JSON_BOOL && value_of (at)->boolean;
}

const adze_json_service adze_json_services = {
  .struct_size = sizeof adze_json_services,
  .read = read_json,
  .close = close_json,
  .root = root,
  .type = type_of,
  .count = count,
  .entry = entry,
  .key = key_of,
  .get = get,
  .text = text,
  .number = number,
  .truth = truth,
};
