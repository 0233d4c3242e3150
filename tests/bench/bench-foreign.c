/* SPDX-License-Identifier: Apache-2.0 */
/* What a foreign call of 14 arguments costs beyond a direct one: the middle of 31 pairs that take
 * turns, in nanoseconds a call. FOREIGN_LIBRARY is the path of tests/unit/foreign-library.so. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/toml.h"
#include "plugin/foreign/foreign.h"

#define PAIRS 31
#define CALLS 100000

typedef void (*sgemm) (int order, int transpose_a, int transpose_b, int m, int n, int k,
                       float alpha, const float *a, int lda, const float *b, int ldb, float beta,
                       float *c, int ldc);

static double
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The shipped binding of cblas_sgemm, with a function that does nothing in its place. */
static adze_error *
read_manifest (const char *library, adze_manifest **manifest)
{
  static const char text[]
      = "manifest = 1\nid = \"bench\"\nversion = \"1\"\nsummary = \"a bench\"\n"
        "license = \"Apache-2.0\"\n[foreign]\n[[foreign.library]]\nsoname = \"%s\"\n"
        "versions = \">= 2\"\nversion-from = { symbol = \"library_version\" }\n"
        "[[foreign.function]]\ncontract = \"gemm.f32\"\nsymbol = \"nothing\"\n"
        "returns = \"void\"\narguments = [ { type = \"int\", value = 101 },\n"
        "{ type = \"int\", from = \"transpose_a\", map = { 0 = 111, 1 = 112 } },\n"
        "{ type = \"int\", from = \"transpose_b\", map = { 0 = 111, 1 = 112 } },\n"
        "{ type = \"int\", from = \"m\" }, { type = \"int\", from = \"n\" },\n"
        "{ type = \"int\", from = \"k\" }, { type = \"float\", from = \"alpha\" },\n"
        "{ type = \"pointer\", from = \"a\" }, { type = \"int\", from = \"lda\" },\n"
        "{ type = \"pointer\", from = \"b\" }, { type = \"int\", from = \"ldb\" },\n"
        "{ type = \"float\", from = \"beta\" }, { type = \"pointer\", from = \"c\" },\n"
        "{ type = \"int\", from = \"ldc\" } ]\n"
        "[[foreign.test]]\ncontract = \"gemm.f32\"\nm = 5\nn = 7\nk = 3\npad_a = 2\npad_b = 3\n"
        "pad_c = 4\ntranspose_a = 1\nalpha = 2\nbeta = 3\ntolerance = 0\n"
        "[[foreign.test]]\ncontract = \"gemm.f32\"\nm = 5\nn = 7\nk = 3\ntranspose_b = 1\n"
        "alpha = 2\nbeta = 0\ntolerance = 0\n";
  ADZE_AUTO_FREE char *whole = adze_text_format (text, library);
  ADZE_AUTO (adze_document) document = { 0 };
  if (!whole)
    return adze_error_memory ();
  ADZE_TRY (adze_toml_parse ("bench", whole, strlen (whole), &document));
  return adze_manifest_from_value (&document, document.root, manifest);
}

static double
foreign_ns (const adze_kernel *kernel, float *block)
{
  double begin = now_ns ();
  for (int i = 0; i < CALLS; i++)
    adze_error_free (
        adze_kernel_gemm (kernel, 0, 1, 2, 2, 2, 1, block, 2, block, 2, 0, block, 2));
  return (now_ns () - begin) / CALLS;
}

static double
direct_ns (sgemm function, float *block)
{
  double begin = now_ns ();
  for (int i = 0; i < CALLS; i++)
    function (101, 111, 112, 2, 2, 2, 1, block, 2, block, 2, 0, block, 2);
  return (now_ns () - begin) / CALLS;
}

static int
compare (const void *a, const void *b)
{
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static adze_error *
measure (const char *library, const adze_kernel *kernel)
{
  float block[4] = { 0 };
  double more[PAIRS];
  void *handle = dlopen (library, RTLD_NOW | RTLD_LOCAL);
  sgemm function = handle ? (sgemm)dlsym (handle, "nothing") : NULL;
  if (!function)
    return adze_error_new (ADZE_E_NOT_FOUND, "%s", dlerror ());
  for (int i = 0; i < PAIRS; i++) {
    double direct = direct_ns (function, block);
    more[i] = foreign_ns (kernel, block) - direct;
  }
  qsort (more, PAIRS, sizeof *more, compare);
  printf ("foreign call of 14 arguments: %.1f ns more than a direct one [%.1f-%.1f]\n",
          more[PAIRS / 2], more[0], more[PAIRS - 1]);
  return NULL;
}

static adze_error *
run (const char *library)
{
  ADZE_AUTO_MANIFEST manifest = NULL;
  adze_foreign *foreign = NULL;
  const adze_kernel *kernel = NULL;
  ADZE_TRY (read_manifest (library, &manifest));
  ADZE_TRY (adze_foreign_bind (manifest, "bench", &foreign));
  adze_error *error = adze_foreign_kernel (foreign, "gemm.f32", &kernel);
  if (!error)
    error = measure (library, kernel);
  adze_foreign_free (foreign);
  return error;
}

int
main (void)
{
  const char *library = getenv ("FOREIGN_LIBRARY");
  if (!library) {
    fprintf (stderr, "bench-foreign: FOREIGN_LIBRARY must name foreign-library.so\n");
    return 2;
  }
  ADZE_AUTO_ERROR error = run (library);
  ADZE_AUTO_FREE char *text = error ? adze_error_text (error) : NULL;
  if (error)
    fprintf (stderr, "bench-foreign: %s", text ? text : "no memory\n");
  return error ? 1 : 0;
}
