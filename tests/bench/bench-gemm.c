/* SPDX-License-Identifier: Apache-2.0 */
/* bench-gemm: what is left of a library's matrix product when it is a node of a graph: for each backend
 * that has a library, the rate of a graph with one MatMul over the rate of the library's own function,
 * called directly, at the same size and with one thread; 21 pairs, the order changing. Needed: 0.95.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/infer.h"
#include "graph/losses.h"
#include "graph/train.h"

enum { PAIRS = 21 };

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };

static void
must (adze_error *error)
{
  if (!error)
    return;
  for (const adze_error *e = error; e; e = adze_error_cause (e))
    fprintf (stderr, "bench-gemm: %s\n", adze_error_message (e));
  exit (1);
}

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- The libraries, by the functions that they export. */

typedef int onednn_sgemm (char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
                          const float *, int64_t, float, float *, int64_t);
typedef void blas_sgemm (int, int, int, int, int, int, float, const float *, int, const float *, int,
                         float, float *, int);

enum { ROWS_FIRST = 101, AS_IT_IS = 111 };

typedef struct sizes {
  int m, k, n;
} sizes;

typedef struct library {
  const char *backend, *file, *function;
  void *symbol;
} library;

static void
call (const library *l, sizes s, const float *a, const float *b, float *c)
{
  if (strcmp (l->backend, "onednn") == 0)
    (*(onednn_sgemm *const *)(const void *)&l->symbol) ('N', 'N', s.m, s.n, s.k, 1, a, s.k, b, s.n, 0, c, s.n);
  else
    (*(blas_sgemm *const *)(const void *)&l->symbol) (ROWS_FIRST, AS_IT_IS, AS_IT_IS, s.m, s.n, s.k, 1, a, s.k,
                                          b, s.n, 0, c, s.n);
}

/* ---- A graph. */

static adze_graph *
make_graph (sizes s, const float *b)
{
  adze_graph *graph;
  const int64_t left[] = { s.m, s.k }, right[] = { s.k, s.n };
  uint32_t inputs[2];
  must (adze_graph_new ("gemm", &graph));
  must (adze_graph_add_input (graph, "a", f32, 2, left, &inputs[0]));
  must (adze_graph_add_weight (graph, "b", f32, 2, right, &inputs[1]));
  must (adze_graph_set_data (graph, inputs[1], b, (size_t)s.k * (size_t)s.n * sizeof *b, true));
  adze_gradient g = { .graph = graph };
  uint32_t product = adze_op_with (&g, "", "MatMul", inputs, 2, NULL, 0);
  must (g.error);
  must (adze_graph_add_output (graph, product));
  return graph;
}

/* ---- Pairs. */

static double
seconds_of_graph (adze_executable *executable, const adze_view *const *inputs, unsigned rounds)
{
  const adze_view *outputs[1];
  double begun = now ();
  for (unsigned i = 0; i < rounds; i++)
    must (adze_execute (executable, inputs, outputs));
  return now () - begun;
}

static double
seconds_of_library (const library *l, sizes s, const float *a, const float *b, float *c,
                    unsigned rounds)
{
  double begun = now ();
  for (unsigned i = 0; i < rounds; i++)
    call (l, s, a, b, c);
  return now () - begun;
}

static int
by_value (const void *a, const void *b)
{
  double one = *(const double *)a, other = *(const double *)b;
  return (one > other) - (one < other);
}

static void
compare (const library *l, sizes s, adze_executable *executable, float *a, const float *b,
         float *c)
{
  int64_t shape[] = { s.m, s.k };
  const adze_view view = { .device = { ADZE_DEVICE_CPU, 0 }, .rank = 2, .dtype = f32,
                           .shape = shape, .data = a };
  const adze_view *const inputs[] = { &view };
  double flops = 2.0 * s.m * s.k * s.n, ratios[PAIRS], rates[PAIRS];
  unsigned rounds = (unsigned)(4e9 / flops) + 1;
  seconds_of_graph (executable, inputs, rounds);
  seconds_of_library (l, s, a, b, c, rounds);
  for (unsigned i = 0; i < PAIRS; i++) {
    double ours = i % 2 ? seconds_of_graph (executable, inputs, rounds) : 0;
    double theirs = seconds_of_library (l, s, a, b, c, rounds);
    if (i % 2 == 0)
      ours = seconds_of_graph (executable, inputs, rounds);
    ratios[i] = theirs / ours;
    rates[i] = flops * rounds / theirs / 1e9;
  }
  qsort (ratios, PAIRS, sizeof ratios[0], by_value);
  qsort (rates, PAIRS, sizeof rates[0], by_value);
  printf ("%s %dx%dx%d: %.3f [%.3f-%.3f] of %s's %.0f GFLOP/s; needed 0.95\n", l->backend, s.m, s.k,
          s.n, ratios[PAIRS / 2], ratios[0], ratios[PAIRS - 1], l->function, rates[PAIRS / 2]);
}

static void
bench (adze_runtime *runtime, adze_backend_at_work *ref, const library *l, sizes s)
{
  adze_backend_at_work *backend;
  float *a = malloc (sizeof *a * (size_t)s.m * (size_t)s.k);
  float *b = malloc (sizeof *b * (size_t)s.k * (size_t)s.n);
  float *c = aligned_alloc (64, sizeof *c * (size_t)s.m * (size_t)s.n);
  for (int i = 0; i < s.m * s.k; i++)
    a[i] = (float)(i % 17) / 16;
  for (int i = 0; i < s.k * s.n; i++)
    b[i] = (float)(i % 13) / 12;
  must (adze_backend_open (runtime, l->backend, NULL, NULL, &backend));
  adze_graph *graph = make_graph (s, b);
  const adze_compile_options options
      = { .backend = backend, .ref = ref, .refuse_delegation = true, .fixed_weights = true };
  {
    ADZE_AUTO_EXECUTABLE executable = NULL;
    must (adze_graph_compile (graph, &options, &executable));
    compare (l, s, executable, a, b, c);
  }
  adze_graph_free (graph);
  adze_backend_close (backend);
  free (a);
  free (b);
  free (c);
}

int
main (void)
{
  library libraries[] = { { "onednn", "libdnnl.so.2", "dnnl_sgemm", NULL },
                          { "openblas", "libopenblas.so.0", "cblas_sgemm", NULL } };
  static const sizes all[] = { { 256, 256, 256 }, { 512, 512, 512 }, { 1024, 1024, 1024 },
                               { 64, 784, 256 }, { 2048, 2048, 2048 } };
  adze_runtime *runtime;
  adze_backend_at_work *ref;
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  setenv ("OMP_NUM_THREADS", "1", 1);
  setenv ("OPENBLAS_NUM_THREADS", "1", 1);
  options.threads = 1;
  must (adze_runtime_open (&options, &runtime));
  must (adze_backend_open (runtime, "ref", NULL, NULL, &ref));
  for (size_t i = 0; i < ADZE_COUNT_OF (libraries); i++) {
    void *handle = dlopen (libraries[i].file, RTLD_NOW);
    libraries[i].symbol = handle ? dlsym (handle, libraries[i].function) : NULL;
    if (!libraries[i].symbol) {
      printf ("%s: %s is not there\n", libraries[i].backend, libraries[i].file);
      continue;
    }
    for (size_t k = 0; k < ADZE_COUNT_OF (all); k++)
      bench (runtime, ref, &libraries[i], all[k]);
  }
  adze_backend_close (ref);
  adze_runtime_close (runtime);
  return 0;
}
