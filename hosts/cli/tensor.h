/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tensor.h: a tensor from words on the command line, and a tensor as text. */
#ifndef ADZE_CLI_TENSOR_H
#define ADZE_CLI_TENSOR_H

#include "cli/cli.h"

#define ADZE_CLI_RANK_MAX 8
#define ADZE_CLI_ELEMENTS_MAX (1u << 24)

/* The types that a tensor can be given in; those of the table in tensor.c. */
#define ADZE_CLI_DTYPES "f32|f64|i8|i16|i32|i64|u8|u16|u32|u64|bool"

typedef struct adze_cli_tensor {
  adze_tensor tensor; /* points into the rest: not to be copied */
  int64_t shape[ADZE_CLI_RANK_MAX];
  void *data; /* to be freed */
} adze_cli_tensor;

/* SHAPE is "2x3" (NULL: one dimension, as long as DATA, or 4), DTYPE one of ADZE_CLI_DTYPES (NULL:
 * the first), DATA "1,2,3" (NULL: 1, 2, 3 and so on). 0, or an exit status whose reason has been
 * said. */
int adze_cli_tensor_open (const adze_cli *cli, const char *dtype, const char *shape,
                          const char *data, adze_cli_tensor *tensor);

/* "f32"; for a type without a name here, its numbers: "4:16x1". TEXT has room for 32. */
const char *adze_cli_dtype_name (adze_dtype dtype, char *text);

/* One line for each run of the last dimension, numbers with the fewest digits that read back to the
 * same value. */
void adze_cli_tensor_print (const adze_view *view);
/* The members "dtype", "shape" and "data". Infinities and NaN are strings, since JSON has none; so
 * are the elements of a type that is neither f32, f64 nor a whole number of one lane: "0x0123". */
void adze_cli_tensor_print_json (const adze_view *view);

#endif
