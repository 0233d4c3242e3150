/* SPDX-License-Identifier: Apache-2.0 */
/* model-peer PATH TENSORS ROWS COLUMNS [SEED [sparse|TRAIT]]: writes a safetensors file of TENSORS
 * matrices of 32-bit floats, "layer.0.weight" and so on, with numbers from a bell curve around 0. For tests of
 * pipelines, which must not depend on what they test to have a model. "sparse": every other number is
 * 0, and the first tensor has the trait that says so. TRAIT: the first tensor has this one,
 * whatever it is; as JSON inside of JSON has it. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64: small, and the same everywhere. */
static uint64_t
next (uint64_t *state)
{
  uint64_t z = (*state += UINT64_C (0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* The sum of twelve uniform numbers, less six. */
static float
bell (uint64_t *state)
{
  double sum = -6;
  for (int i = 0; i < 12; i++)
    sum += (double)(next (state) >> 11) / 9007199254740992.0;
  return (float)sum;
}

static int
write_header (FILE *file, uint64_t tensors, uint64_t rows, uint64_t columns,
              const char *trait)
{
  char *header = NULL;
  size_t size = 0;
  FILE *text = open_memstream (&header, &size);
  if (!text)
    return 1;
  uint64_t bytes = rows * columns * 4;
  fprintf (text, "{");
  if (trait)
    fprintf (text,
             "\"__metadata__\":{\"adze.traits\":\"{\\\"layer.0.weight\\\":{\\\"%s}}\"},",
             trait);
  for (uint64_t i = 0; i < tensors; i++)
    fprintf (text,
             "%s\"layer.%" PRIu64 ".weight\":{\"dtype\":\"F32\",\"shape\":[%" PRIu64 ",%" PRIu64
             "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
             i ? "," : "", i, rows, columns, i * bytes, (i + 1) * bytes);
  fprintf (text, "}");
  fflush (text);
  while (size % 8 != 0) {
    fputc (' ', text);
    fflush (text);
  }
  fclose (text);
  uint64_t length = size;
  int failed = fwrite (&length, 8, 1, file) != 1 || fwrite (header, size, 1, file) != 1;
  free (header);
  return failed;
}

int
main (int argc, char **argv)
{
  if (argc < 5)
    return 2;
  uint64_t tensors = strtoull (argv[2], NULL, 10), rows = strtoull (argv[3], NULL, 10);
  uint64_t columns = strtoull (argv[4], NULL, 10);
  uint64_t state = argc > 5 ? strtoull (argv[5], NULL, 10) : 1;
  bool sparse = argc > 6 && strcmp (argv[6], "sparse") == 0;
  const char *trait = sparse ? "adze.sparsity/1\\\":{}" : argc > 6 ? argv[6] : NULL;
  FILE *file = fopen (argv[1], "wb");
  if (!file || write_header (file, tensors, rows, columns, trait) != 0)
    return 1;
  float *row = malloc (columns * sizeof *row);
  for (uint64_t i = 0; row && i < tensors * rows; i++) {
    for (uint64_t k = 0; k < columns; k++)
      row[k] = sparse && k % 2 ? 0 : bell (&state) * 0.1f;
    if (fwrite (row, sizeof *row, columns, file) != columns)
      return 1;
  }
  free (row);
  return fclose (file) == 0 ? 0 : 1;
}
