/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/artifact.c: values other than models and datasets: is one what its type says? */
#include "artifact/artifact.h"

#include <string.h>

#include "artifact/dag.h"
#include "artifact/table.h"
#include "base/json.h"

void
adze_artifact_close (struct adze_artifact *artifact)
{
  if (!artifact)
    return;
  adze_model_close (artifact->model);
  adze_dataset_close (artifact->dataset);
  free (artifact->type);
  free (artifact->data);
  free (artifact);
}

static adze_error *
check_json (const char *path, const char *data, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  return adze_json_parse (path, data, size, &document);
}

static adze_error *
check_text (const char *path, const char *data, size_t size)
{
  size_t line = 1;
  for (size_t at = 0; at < size;) {
    uint32_t code;
    at += adze_utf8_read (data + at, size - at, &code);
    line += code == '\n';
    if (code != ADZE_UTF8_BAD)
      continue;
    adze_error *error = adze_error_new (ADZE_E_FORMAT, "%s:%zu: not UTF-8", path, line);
    adze_error_set (error, "file", path);
    adze_error_setf (error, "line", "%zu", line);
    return error;
  }
  return NULL;
}

adze_error *
adze_artifact_check (const char *type, const char *path, const char *data, size_t size)
{
  static const struct {
    const char *type;
    adze_error *(*check) (const char *path, const char *data, size_t size);
  } checks[] = {
    { ADZE_TYPE_TABLE, adze_table_check }, { ADZE_TYPE_DAG, adze_dag_check },
    { ADZE_TYPE_TEXT, check_text },   { ADZE_TYPE_STATS, check_json },
    { ADZE_TYPE_REPORT, check_json },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (checks); i++)
    if (strcmp (checks[i].type, type) == 0) {
      adze_error *error = checks[i].check (path, data, size);
      return error ? adze_error_wrap (error, "%s is no %s", path, type) : NULL;
    }
  return NULL;
}
