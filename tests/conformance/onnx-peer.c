/* SPDX-License-Identifier: Apache-2.0 */
/* onnx-peer [--close ABSOLUTE RELATIVE] BACKEND LIST FOLDER...: runs ONNX's conformance data, or what
 * lies in folders as that does, a set of cases a FOLDER, and says for each set how many passed. LIST
 * names the cases that are not expected to pass, each with its reason; a case that is listed and passes
 * is an error like one that is not listed and fails. With --close it is said how far outputs may be from
 * what they should be, |a - b| <= ABSOLUTE + RELATIVE |b|, and each case that passes gets a line. */
#include <math.h>
#include <stdio.h>

#include <adze/numbers.h>

#include "artifact/format.h"
#include "graph/executable.h"
#include "graph/from_model.h"
#include "graph/load.h"
#include "tensor-file.h"

enum { MOST_VALUES = 64 };

typedef struct bench {
  adze_runtime *runtime;
  adze_backend_at_work *backend, *ref;
  char *excluded;
  double absolute, relative;
  bool each; /* passed cases get a line */
  unsigned long delegated;
  double worst; /* of a case: the largest part of what is allowed, and the largest difference */
  double difference;
} bench;

/* ---- Values. */

static bool
close_to (bench *b, double found, double wanted)
{
  if (isnan (found) || isnan (wanted))
    return isnan (found) && isnan (wanted);
  if (found == wanted)
    return true;
  double difference = fabs (found - wanted);
  double part = difference / (b->absolute + b->relative * fabs (wanted));
  b->worst = part > b->worst ? part : b->worst;
  b->difference = difference > b->difference ? difference : b->difference;
  return part <= 1;
}

static adze_error *
compare (bench *b, const adze_view *found, const adze_view *wanted, size_t output)
{
  bool same = found->rank == wanted->rank
              && memcmp (&found->dtype, &wanted->dtype, sizeof found->dtype) == 0;
  for (int32_t i = 0; same && i < found->rank; i++)
    same = found->shape[i] == wanted->shape[i];
  if (!same)
    return adze_error_new (ADZE_E_FORMAT, "output %zu has another type or shape", output);
  size_t size = found->dtype.bits / 8u, count = adze_view_count (found);
  for (size_t i = 0; i < count; i++) {
    const char *is = (const char *)adze_view_data (found) + i * size;
    const char *should = (const char *)adze_view_data (wanted) + i * size;
    double one = NAN, other = NAN;
    if (memcmp (is, should, size) == 0)
      continue;
    if (!adze_numbers_read (found->dtype, is, 1, &one)
        || !adze_numbers_read (found->dtype, should, 1, &other) || !close_to (b, one, other))
      return adze_error_new (ADZE_E_FORMAT, "output %zu differs: element %zu is %.9g, not %.9g", output,
                             i, one, other);
  }
  return NULL;
}

/* ---- One case. */

typedef struct values {
  tensor_file items[MOST_VALUES];
  size_t count;
} values;

static void
values_cleanup (values *all)
{
  for (size_t i = 0; i < all->count; i++)
    free (all->items[i].data);
}

static adze_error *
read_values (const char *folder, const char *kind, values *all)
{
  for (; all->count < MOST_VALUES; all->count++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s_%zu.pb", folder, kind, all->count);
    if (!path)
      return adze_error_memory ();
    if (access (path, F_OK) != 0)
      return NULL;
    if (!read_tensor (path, &all->items[all->count]))
      return adze_error_new (ADZE_E_UNSUPPORTED, "%s_%zu is no tensor of numbers", kind, all->count);
  }
  return NULL;
}

static adze_error *
run_data (bench *b, adze_executable *executable, const char *folder)
{
  __attribute__ ((cleanup (values_cleanup))) values inputs = { 0 };
  __attribute__ ((cleanup (values_cleanup))) values wanted = { 0 };
  const adze_view *given[MOST_VALUES], *found[MOST_VALUES];
  ADZE_TRY (read_values (folder, "input", &inputs));
  ADZE_TRY (read_values (folder, "output", &wanted));
  for (size_t i = 0; i < inputs.count; i++) {
    inputs.items[i].view.shape = inputs.items[i].shape;
    given[i] = &inputs.items[i].view;
  }
  ADZE_TRY (adze_execute (executable, given, found));
  for (size_t i = 0; i < wanted.count; i++) {
    wanted.items[i].view.shape = wanted.items[i].shape;
    ADZE_TRY (compare (b, found[i], &wanted.items[i].view, i));
  }
  return NULL;
}

/* Compiled for the shapes of the first data. */
static adze_error *
compile_for (bench *b, adze_graph *graph, const char *folder, adze_executable **executable)
{
  __attribute__ ((cleanup (values_cleanup))) values inputs = { 0 };
  const int64_t *shapes[MOST_VALUES] = { 0 };
  size_t count;
  adze_graph_inputs (graph, &count);
  ADZE_TRY (read_values (folder, "input", &inputs));
  if (inputs.count != count)
    return adze_error_new (ADZE_E_FORMAT, "the graph has %zu inputs, the data %zu", count,
                           inputs.count);
  for (size_t i = 0; i < count; i++)
    shapes[i] = inputs.items[i].shape;
  adze_compile_options options
      = { .backend = b->backend, .ref = b->ref, .shapes = shapes, .fixed_weights = true };
  ADZE_TRY (adze_graph_compile (graph, &options, executable));
  return NULL;
}

/* Nodes of a graph and of all bodies. */
static unsigned long
nodes_of (const adze_graph *graph)
{
  unsigned long nodes = 0;
  for (uint32_t i = 0; i < adze_graph_node_count (graph); i++) {
    const adze_graph_node *node = adze_graph_node_at (graph, i);
    nodes += node != NULL;
    for (size_t a = 0; node && a < node->attribute_count; a++)
      if (node->attributes[a].type == ADZE_ATTRIBUTE_GRAPH)
        nodes += nodes_of (node->attributes[a].graph);
  }
  return nodes;
}

/* What came of a case, once all of its data has been computed. */
static void
case_passed (bench *b, const char *folder, const adze_graph *graph, const adze_executable *executable)
{
  unsigned long delegated = adze_executable_facts_of (executable)->delegated;
  b->delegated += delegated;
  if (b->each)
    printf ("%s: %lu nodes, %lu delegated, off by %.2g at most, %.2g of what is allowed\n",
            adze_path_base (folder), nodes_of (graph), delegated, b->difference, b->worst);
}

static adze_error *
run_case (bench *b, const char *folder)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/model.onnx", folder);
  ADZE_AUTO_MODEL model = NULL;
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  b->worst = b->difference = 0;
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (adze_model_open (b->runtime, path, NULL, &model));
  ADZE_TRY (adze_graph_from_model (b->runtime, model, &graph));
  ADZE_TRY (adze_graph_load_weights (graph, model, NULL));
  for (int number = 0;; number++) {
    ADZE_AUTO_FREE char *data = adze_text_format ("%s/test_data_set_%d", folder, number);
    if (!data)
      return adze_error_memory ();
    if (access (data, F_OK) != 0 && !number)
      return adze_error_new (ADZE_E_NOT_FOUND, "there is no data");
    if (access (data, F_OK) != 0) {
      case_passed (b, folder, graph, executable);
      return NULL;
    }
    if (!executable)
      ADZE_TRY (compile_for (b, graph, data, &executable));
    ADZE_TRY (run_data (b, executable, data));
  }
}

/* ---- A set. */

/* Is it in the list, a line "name: reason"? */
static bool
is_excluded (const bench *b, const char *name)
{
  size_t size = strlen (name);
  for (const char *at = b->excluded; at && (at = strstr (at, name)); at += size)
    if ((at == b->excluded || at[-1] == '\n') && at[size] == ':')
      return true;
  return false;
}

/* With all its causes, for the last one is what is missing. */
static void
tell (const char *name, const adze_error *failure)
{
  for (const adze_error *at = failure; at; at = adze_error_cause (at))
    printf ("%s: %s\n", at == failure ? name : "  because", adze_error_message (at));
}

static bool
run_set (bench *b, const char *folder)
{
  char **names = NULL;
  size_t count = 0, passed = 0;
  bool fine = true;
  ADZE_AUTO_ERROR error = adze_folder_names (folder, "", &names, &count);
  if (error)
    fprintf (stderr, "%s\n", adze_error_message (error));
  size_t cases = 0;
  for (size_t i = 0; i < count; i++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, names[i]);
    if (names[i][0] == '.' || !path)
      continue;
    cases++;
    ADZE_AUTO_ERROR failure = run_case (b, path);
    passed += !failure;
    if (!failure && is_excluded (b, names[i])) {
      printf ("%s: passes, and is listed as one that does not\n", names[i]);
      fine = false;
    }
    if (failure && !is_excluded (b, names[i])) {
      tell (names[i], failure);
      fine = false;
    }
  }
  adze_names_free (names, count);
  printf ("%s: %zu of %zu passed\n", adze_path_base (folder), passed, cases);
  fflush (stdout);
  return fine && cases > 0;
}

static adze_error *
open_bench (bench *b, const char *backend, const char *list)
{
  size_t size;
  ADZE_TRY (adze_file_read (list, 1 << 20, &b->excluded, &size));
  ADZE_TRY (adze_runtime_open (NULL, &b->runtime));
  ADZE_TRY (adze_backend_open (b->runtime, "ref", NULL, NULL, &b->ref));
  return strcmp (backend, "ref") == 0
             ? NULL
             : adze_backend_open (b->runtime, backend, NULL, NULL, &b->backend);
}

int
main (int argc, char **argv)
{
  /* As ONNX's own runner compares. */
  bench b = { .absolute = 1e-7, .relative = 1e-3 };
  if (argc > 3 && strcmp (argv[1], "--close") == 0) {
    b.absolute = strtod (argv[2], NULL);
    b.relative = strtod (argv[3], NULL);
    b.each = true;
    argc -= 3;
    argv += 3;
  }
  bool fine = argc > 3;
  ADZE_AUTO_ERROR error = fine ? open_bench (&b, argv[1], argv[2]) : NULL;
  if (error) {
    fprintf (stderr, "%s\n", adze_error_message (error));
    fine = false;
  }
  for (int i = 3; !error && i < argc; i++)
    fine = run_set (&b, argv[i]) && fine;
  if (b.backend)
    printf ("%lu nodes delegated\n", b.delegated);
  adze_backend_close (b.backend);
  adze_backend_close (b.ref);
  adze_runtime_close (b.runtime);
  free (b.excluded);
  return fine ? 0 : 1;
}
