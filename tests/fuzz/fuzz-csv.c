/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a table: a refusal with a reason, or columns that can be read. The first byte chooses
 * how the table is said to be written. */
#include "../../plugins/sources/csv/csv_columns.c"
#include "../../plugins/sources/csv/csv_row.c"
#include "../../plugins/sources/csv/csv.c"

#include "../unit/source-host.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const settings[] = {
    "",
    "missing=nan\0features=x\0number-type=f32\0",
    "header=false\0separator=tab\0quoting=false\0skip-lines=1\0",
    "label=a\0classes=[\"0\", \"1\", \"x\"]\0features=x\0",
    "columns=[\"b\", \"a\"]\0text-columns=[\"a\"]\0separator=;\0",
  };
  size_t choice = size ? data[0] % (sizeof settings / sizeof settings[0]) : 0;
  own.file_count = 0;
  own_file ("path", size ? data + 1 : data, size ? size - 1 : 0);
  own_try (settings[choice]);
  return 0;
}
