/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests of foreign-library.c and of the installed libraries, for the tests that bind them.
 *
 * FOREIGN_LIBRARY may name the library; TOP_SRCDIR names the folder that has plugin-manifests. */
#ifndef FOREIGN_MANIFESTS_H
#define FOREIGN_MANIFESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/toml.h"
#include "plugin/foreign/foreign.h"

/* The path of the library; every test program finds it before its first test. */
static char *library;

/* ---- Manifests. */

#define HEAD \
  "manifest = 1\n" \
  "id = \"test\"\n" \
  "version = \"1\"\n" \
  "summary = \"a test\"\n" \
  "license = \"Apache-2.0\"\n"

#define COMPONENT(id, threading) \
  "[[component]]\n" \
  "kind = \"technique\"\n" \
  "id = \"" id "\"\n" \
  "summary = \"a test\"\n" \
  "threading = \"" threading "\"\n" \
  "effect = \"changes\"\n"

/* %s is the test's own library. */
#define LIBRARY \
  "[[foreign.library]]\n" \
  "soname = \"%s\"\n" \
  "versions = \">= 2.7, < 3\"\n" \
  "version-from = { symbol = \"library_version\" }\n"

#define FUNCTION(id, symbol, rest) \
  "[[foreign.function]]\n" \
  "component = \"" id "\"\n" \
  "symbol = \"" symbol "\"\n" rest

#define HALF \
  FUNCTION ("half", "half", \
            "shape = \"map\"\n" \
            "returns = \"float\"\n" \
            "arguments = [{ type = \"float\", from = \"x\" }]\n")

#define TEST(id, rest) \
  "[[foreign.test]]\n" \
  "component = \"" id "\"\n" rest

#define HALF_TEST TEST ("half", "input = [1, 5]\nexpected = [0.5, 2.5]\ntolerance = 0\n")

#define GEMM(symbol, returns, arguments) \
  "[[foreign.function]]\n" \
  "contract = \"gemm.f32\"\n" \
  "symbol = \"" symbol "\"\n" returns "arguments = [" arguments "]\n"

#define GEMM_TESTS \
  "[[foreign.test]]\n" \
  "contract = \"gemm.f32\"\nm = 5\nn = 7\nk = 3\npad_a = 2\npad_b = 3\npad_c = 4\n" \
  "transpose_a = 1\nalpha = 0.5\nbeta = -1.5\ntolerance = 1e-5\n" \
  "[[foreign.test]]\n" \
  "contract = \"gemm.f32\"\nm = 4\nn = 6\nk = 9\npad_a = 1\npad_b = 2\npad_c = 3\n" \
  "transpose_b = 1\nalpha = -2\nbeta = 0\ntolerance = 1e-5\n" \
  "[[foreign.test]]\n" \
  "contract = \"gemm.f32\"\nm = 3\nn = 2\nk = 4\npad_a = 1\npad_b = 2\npad_c = 4\n" \
  "alpha = 2\nbeta = 0.25\ntolerance = 1e-5\n"

#define EQUAL_ARGUMENTS \
  "{ type = \"int32\", from = \"transpose_a\" }, { type = \"int32\", from = \"transpose_b\" }, " \
  "{ type = \"int64\", from = \"m\" }, { type = \"int64\", from = \"n\" }, " \
  "{ type = \"int64\", from = \"k\" }, { type = \"float\", from = \"alpha\" }, " \
  "{ type = \"pointer\", from = \"a\" }, { type = \"int64\", from = \"lda\" }, " \
  "{ type = \"pointer\", from = \"b\" }, { type = \"int64\", from = \"ldb\" }, " \
  "{ type = \"float\", from = \"beta\" }, { type = \"pointer\", from = \"c\" }, " \
  "{ type = \"int64\", from = \"ldc\" }"

/* One line an argument, so that a test can replace each. */
__attribute__ ((unused)) static const char *const blas_arguments[] = {
  "{ type = \"int\", value = 101 }",
  "{ type = \"int\", from = \"transpose_a\", map = { 0 = 111, 1 = 112 } }",
  "{ type = \"int\", from = \"transpose_b\", map = { 0 = 111, 1 = 112 } }",
  "{ type = \"int\", from = \"m\" }",
  "{ type = \"int\", from = \"n\" }",
  "{ type = \"int\", from = \"k\" }",
  "{ type = \"float\", from = \"alpha\" }",
  "{ type = \"pointer\", from = \"a\" }",
  "{ type = \"int\", from = \"lda\" }",
  "{ type = \"pointer\", from = \"b\" }",
  "{ type = \"int\", from = \"ldb\" }",
  "{ type = \"float\", from = \"beta\" }",
  "{ type = \"pointer\", from = \"c\" }",
  "{ type = \"int\", from = \"ldc\" }",
};

#define BLAS_COUNT ADZE_COUNT_OF (blas_arguments)

/* ---- Binding. */

/* A manifest and what it is bound to. */
typedef struct bound {
  adze_manifest *manifest;
  adze_foreign *foreign;
} bound;

static inline void
bound_cleanup (bound *b)
{
  adze_foreign_free (b->foreign);
  adze_manifest_free (b->manifest);
}

/* TEXT is printf's, with the library's path for its only "%s". */
static inline adze_error *
bind_text (const char *text, bound *b)
{
  ADZE_AUTO (adze_document) document = { 0 };
  const char *at = strstr (text, "%s");
  ADZE_AUTO_FREE char *whole
      = at ? adze_text_format ("%.*s%s%s", (int)(at - text), text, library, at + 2)
           : strdup (text);
  assert_non_null (whole);
  *b = (bound){ NULL, NULL };
  ADZE_TRY (adze_toml_parse ("test.toml", whole, strlen (whole), &document));
  ADZE_TRY (adze_manifest_from_value (&document, document.root, &b->manifest));
  return adze_foreign_bind (b->manifest, "test.toml", &b->foreign);
}

static inline void
must (adze_error *error)
{
  ADZE_AUTO_ERROR owned = error;
  ADZE_AUTO_FREE char *text = owned ? adze_error_text (owned) : NULL;
  if (owned)
    fail_msg ("%s", text ? text : "no memory");
}

static inline void
bind_good (const char *text, bound *b)
{
  must (bind_text (text, b));
}

/* Each of WORDS, divided by "|", must be somewhere in the whole error. */
static inline void
expect_words (adze_error *error, const char *step, const char *words)
{
  ADZE_AUTO_ERROR owned = error;
  if (!owned)
    fail_msg ("no error, and it should have said: %s", words);
  ADZE_AUTO_FREE char *text = adze_error_text (owned);
  ADZE_AUTO_FREE char *list = strdup (words);
  assert_non_null (text);
  assert_non_null (list);
  char *rest = NULL;
  for (char *word = strtok_r (list, "|", &rest); word; word = strtok_r (NULL, "|", &rest))
    if (!strstr (text, word))
      fail_msg ("should have said: %s\nand said: %s", word, text);
  if (step) {
    assert_string_equal (adze_error_fact (owned, "step"), step);
    assert_string_equal (adze_error_fact (owned, "file"), "test.toml");
    assert_non_null (adze_error_fact (owned, "needed"));
    assert_non_null (adze_error_fact (owned, "found"));
    assert_non_null (adze_error_fact (owned, "hint"));
  }
}

/* A call with sizes that no memory stands behind: for what must not arrive, or does nothing. */
static inline adze_error *
gemm_sized (const adze_kernel *kernel, int64_t m, int64_t n, int64_t k, int64_t ldc)
{
  float unused = 0;
  return adze_kernel_gemm (kernel, 0, 0, m, n, k, 1, &unused, 1, &unused, 1, 0, &unused, ldc);
}

/* ---- What is shipped. */

/* A manifest of plugin-manifests/foreign. */
static inline adze_manifest *
read_shipped (const char *name, char **path)
{
  const char *folder = getenv ("TOP_SRCDIR");
  adze_manifest *manifest = NULL;
  *path = adze_text_format ("%s/plugin-manifests/foreign/%s", folder ? folder : ".", name);
  assert_non_null (*path);
  must (adze_manifest_read (*path, &manifest));
  return manifest;
}

/* ---- The library for all of them. */

static inline char *
beside_this_program (const char *relative)
{
  char self[4096];
  ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);
  if (size < 0)
    return NULL;
  self[size] = '\0';
  return adze_text_format ("%.*s%s", (int)(adze_path_base (self) - self), self, relative);
}

static inline int
find_library (void **state)
{
  (void)state;
  /* A libtool program that was not installed runs from .libs, beside its modules. */
  static const char *const places[]
      = { "foreign-library.so", ".libs/foreign-library.so", "../foreign-library.so" };
  const char *given = getenv ("FOREIGN_LIBRARY");
  for (size_t i = 0; i < ADZE_COUNT_OF (places) && !library; i++) {
    ADZE_AUTO_FREE char *path = given ? strdup (given) : beside_this_program (places[i]);
    ADZE_AUTO_ERROR error = NULL;
    if (path && access (path, R_OK) == 0)
      error = adze_path_absolute (path, &library);
  }
  return library ? 0 : -1;
}

static inline int
forget_library (void **state)
{
  (void)state;
  free (library);
  return 0;
}

#endif
