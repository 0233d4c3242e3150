/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/json.h: reading JSON: reports of stages before, settings, results of others. Tier: draft.
 *
 * Whatever is asked of NULL, or of a value of another type, is answered with nothing: NULL, 0, the empty text. So a
 * path into a document need be checked once, at its end. To write JSON there is adze/draft/report.h.
 */
#ifndef ADZE_DRAFT_JSON_H
#define ADZE_DRAFT_JSON_H

#include <stddef.h>

#include <adze/error.h>
#include <adze/host_table.h>

ADZE_BEGIN_DECLS

#define ADZE_JSON "adze.json/1"

typedef struct adze_json adze_json;       /* a document */
typedef struct adze_json_at adze_json_at; /* a value in it, as long as it is open */

typedef enum adze_json_type {
  ADZE_JSON_NONE = 0, /* there is no such value */
  ADZE_JSON_BOOL = 1,
  ADZE_JSON_NUMBER = 2,
  ADZE_JSON_TEXT = 3,
  ADZE_JSON_LIST = 4,
  ADZE_JSON_OBJECT = 5
} adze_json_type;

typedef struct adze_json_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* [callback] Refuses what is no JSON, naming line and column, keys that stand twice, null, and more than 64 MiB.
   * NAME is for messages: "its port 'report'". Its owner closes it. */
  adze_status (*read) (const adze_host *host, const char *name, const void *data, size_t size, adze_json **json);
  void (*close) (const adze_host *host, adze_json *json); /* NULL is allowed */

  /* [any] */
  const adze_json_at *(*root) (const adze_json *json);
  uint32_t (*type) (const adze_json_at *at); /* adze_json_type */
  /* [any] Of a list or an object: how many entries, each by its number, and of an object its key. */
  size_t (*count) (const adze_json_at *at);
  const adze_json_at *(*entry) (const adze_json_at *at, size_t index);
  const char *(*key) (const adze_json_at *at, size_t index);
  const adze_json_at *(*get) (const adze_json_at *at, const char *key);
  /* [any] */
  const char *(*text) (const adze_json_at *at);
  double (*number) (const adze_json_at *at);
  bool (*truth) (const adze_json_at *at);
} adze_json_service;

static inline const adze_json_service *
adze_json_of (const adze_host *host)
{
  return (const adze_json_service *)host->service (host, ADZE_JSON);
}

ADZE_END_DECLS

#endif
