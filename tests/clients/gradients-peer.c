/* SPDX-License-Identifier: Apache-2.0 */
/* gradients-peer FOLDER...: differentiates the network of each folder, and holds what comes of it
 * against the gradients that lie there; torch-gradients.py says how. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "artifact/format.h"
#include "base/file.h"
#include "graph/executable.h"
#include "graph/from_model.h"
#include "graph/gradient.h"
#include "graph/load.h"

enum { MOST = 64 };

typedef struct engine {
  adze_runtime *runtime;
  adze_backend_at_work *ref;
} engine;

/* ---- Numbers in numpy's files: doubles and int64 in row order. */

typedef struct array {
  char *file; /* all of it */
  adze_view view;
  int64_t shape[ADZE_GRAPH_RANK];
} array;

static adze_error *
read_array (const char *folder, const char *kind, size_t number, array *a)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s-%zu.npy", folder, kind, number);
  size_t size;
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (adze_file_read (path, 1 << 24, &a->file, &size));
  if (size < 10 || memcmp (a->file, "\x93NUMPY\1", 7) != 0)
    return adze_error_new (ADZE_E_FORMAT, "%s is no file of numpy", path);
  size_t header = (unsigned char)a->file[8] + 256u * (unsigned char)a->file[9];
  a->file[10 + header - 1] = 0;
  const char *at = strstr (a->file + 10, "'shape': (");
  bool real = strstr (a->file + 10, "'<f8'"), whole = strstr (a->file + 10, "'<i8'");
  if (!at || !(real || whole) || strstr (a->file + 10, "'fortran_order': True"))
    return adze_error_new (ADZE_E_FORMAT, "%s: %s is not understood here", path, a->file + 10);
  a->view = (adze_view){ .data = a->file + 10 + header, .device = { ADZE_DEVICE_CPU, 0 },
                         .dtype = { real ? ADZE_FLOAT : ADZE_INT, 64, 1 }, .shape = a->shape };
  char *end;
  for (at += 10; *at != ')' && a->view.rank < ADZE_GRAPH_RANK; at = end + strspn (end, ", "))
    a->shape[a->view.rank++] = strtol (at, &end, 10);
  return NULL;
}

/* ---- A case. */

typedef struct known {
  char names[MOST][128];
  array inputs[MOST], gradients[MOST];
  size_t count, input_count;
} known;

static void
known_cleanup (known *k)
{
  for (size_t i = 0; i < MOST; i++) {
    free (k->inputs[i].file);
    free (k->gradients[i].file);
  }
}

static bool
is_there (const char *folder, const char *kind, size_t number)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s-%zu.npy", folder, kind, number);
  return path && access (path, F_OK) == 0;
}

static adze_error *
read_known (const char *folder, known *k)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/gradients.txt", folder);
  FILE *file = path ? fopen (path, "r") : NULL;
  size_t number;
  if (!file)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is no %s", path ? path : "list");
  while (k->count < MOST && fscanf (file, "%127s %zu", k->names[k->count], &number) == 2)
    k->count++;
  fclose (file);
  for (size_t i = 0; i < k->count; i++) {
    if (is_there (folder, "input", i))
      ADZE_TRY (read_array (folder, "input", i, &k->inputs[k->input_count++]));
    if (is_there (folder, "gradient", i))
      ADZE_TRY (read_array (folder, "gradient", i, &k->gradients[i]));
  }
  return NULL;
}

/* Gradients become outputs in the order of the list. */
static adze_error *
differentiate (adze_graph *graph, const known *k)
{
  uint32_t values[MOST], gradients[MOST];
  size_t count = 0, outputs;
  uint32_t loss = adze_graph_outputs (graph, &outputs)[0];
  for (size_t i = 0; i < k->count; i++) {
    if (!k->gradients[i].file)
      continue;
    values[count] = adze_graph_find (graph, k->names[i]);
    if (values[count++] == ADZE_NONE)
      return adze_error_new (ADZE_E_NOT_FOUND, "the network has no value '%s'", k->names[i]);
  }
  ADZE_TRY (adze_graph_differentiate (graph, loss, values, count, gradients));
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (adze_graph_add_output (graph, gradients[i]));
  return NULL;
}

/* Double precision, but for constants that torch writes, or ONNX has, in single: 6e-8 apart. */
static adze_error *
compare (const char *name, const adze_view *found, const adze_view *wanted)
{
  size_t count = adze_view_count (wanted);
  const double *a = adze_view_data (found), *b = adze_view_data (wanted);
  if (adze_view_count (found) != count || found->dtype.bits != 64)
    return adze_error_new (ADZE_E_FORMAT, "the gradient of '%s' has another type or size", name);
  for (size_t i = 0; i < count; i++)
    if (!(fabs (a[i] - b[i]) <= 1e-7 + 1e-6 * fabs (b[i])))
      return adze_error_new (ADZE_E_FORMAT, "the gradient of '%s' at %zu is %.12g, and torch's %.12g",
                             name, i, a[i], b[i]);
  return NULL;
}

static adze_error *
run_case (const engine *e, const char *folder, known *k)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/model.onnx", folder);
  ADZE_AUTO_MODEL model = NULL;
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  const adze_view *given[MOST], *found[MOST + 1];
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (read_known (folder, k));
  ADZE_TRY (adze_model_open (e->runtime, path, NULL, &model));
  ADZE_TRY (adze_graph_from_model (e->runtime, model, &graph));
  ADZE_TRY (adze_graph_load_weights (graph, model, NULL));
  ADZE_TRY (differentiate (graph, k));
  for (size_t i = 0; i < k->input_count; i++)
    given[i] = &k->inputs[i].view;
  const adze_compile_options options = { .ref = e->ref, .fixed_weights = true };
  ADZE_TRY (adze_graph_compile (graph, &options, &executable));
  ADZE_TRY (adze_execute (executable, given, found));
  for (size_t i = 0, next = 1; i < k->count; i++)
    if (k->gradients[i].file)
      ADZE_TRY (compare (k->names[i], found[next++], &k->gradients[i].view));
  return NULL;
}

static bool
told (const engine *e, const char *folder)
{
  __attribute__ ((cleanup (known_cleanup))) known k = { 0 };
  ADZE_AUTO_ERROR failure = run_case (e, folder, &k);
  for (const adze_error *at = failure; at; at = adze_error_cause (at))
    printf ("%s: %s\n", at == failure ? folder : "  because", adze_error_message (at));
  return !failure;
}

int
main (int argc, char **argv)
{
  engine e = { 0 };
  int same = 0;
  ADZE_AUTO_ERROR error = adze_runtime_open (NULL, &e.runtime);
  if (!error)
    error = adze_backend_open (e.runtime, "ref", NULL, NULL, &e.ref);
  if (error)
    fprintf (stderr, "%s\n", adze_error_message (error));
  for (int i = 1; !error && i < argc; i++)
    same += told (&e, argv[i]);
  printf ("%d of %d networks have torch's gradients\n", same, argc - 1);
  adze_backend_close (e.ref);
  adze_runtime_close (e.runtime);
  return same == argc - 1 && same > 0 ? 0 : 1;
}
