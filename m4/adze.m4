# SPDX-License-Identifier: Apache-2.0
# What configure.ac is made of: options, compiler flags, dependencies.

# ADZE_FLAG(VARIABLE, FLAG): appends FLAG to VARIABLE if the compiler of the current language takes
# it. Some compilers only warn about flags that they do not know, so warnings count as a refusal.
AC_DEFUN([ADZE_FLAG], [
  AS_VAR_PUSHDEF([known], [adze_cv_[]_AC_LANG_ABBREV[]_flag_$2])
  AC_CACHE_CHECK([whether the _AC_LANG compiler takes $2], [known], [
    adze_saved=$[]_AC_LANG_PREFIX[]FLAGS
    _AC_LANG_PREFIX[]FLAGS="$adze_saved -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM], [AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
    _AC_LANG_PREFIX[]FLAGS=$adze_saved
  ])
  AS_VAR_IF([known], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([known])
])

AC_DEFUN([ADZE_OPTION_WERROR], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [warnings are errors])], [], [enable_werror=no])
])

# ADZE_LINKS(FLAGS, IF-YES, IF-NO): can a C program be built and linked with these flags?
AC_DEFUN([ADZE_LINKS], [
  adze_saved_cflags=$CFLAGS
  CFLAGS="$CFLAGS $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM], [adze_links=yes], [adze_links=no])
  CFLAGS=$adze_saved_cflags
  AS_IF([test $adze_links = yes], [$2], [$3])
])

AC_DEFUN([ADZE_OPTION_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers=LIST],
      [compile with address,undefined (the default LIST) or thread])],
    [], [AS_IF([test "${enable_fuzzers:-no}" = no], [enable_sanitizers=no], [enable_sanitizers=yes])])
  AS_CASE([$enable_sanitizers],
    [no], [adze_sanitizers=none],
    [yes], [adze_sanitizers=address,undefined],
    [address|undefined|address,undefined|undefined,address|thread|thread,undefined],
      [adze_sanitizers=$enable_sanitizers],
    [AC_MSG_ERROR([--enable-sanitizers=$enable_sanitizers: needed is address, undefined, thread, or two of them with a comma between; address and thread exclude each other])])
  SANITIZER_FLAGS=
  AS_IF([test $adze_sanitizers != none], [
    SANITIZER_FLAGS="-fsanitize=$adze_sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer"
    AC_MSG_CHECKING([whether programs link with $SANITIZER_FLAGS])
    ADZE_LINKS([$SANITIZER_FLAGS], [AC_MSG_RESULT([yes])], [
      AC_MSG_RESULT([no])
      AC_MSG_ERROR([$CC has no $adze_sanitizers sanitizer here; with clang, Debian's package libclang-rt-dev may be missing])])
    # clang's runtime for these two is C++, which a program in C does not link.
    ADZE_FLAG([SANITIZER_FLAGS], [-fno-sanitize=vptr])
    ADZE_FLAG([SANITIZER_FLAGS], [-fno-sanitize=function])
  ])
  AC_SUBST([SANITIZERS], [$adze_sanitizers])
  AC_SUBST([SANITIZER_FLAGS])
  AM_CONDITIONAL([SANITIZED], [test $adze_sanitizers != none])
])

# Everything is instrumented, for a fuzzer without sanitizers sees crashes alone; only the programs
# of tests/fuzz get libFuzzer's main().
AC_DEFUN([ADZE_OPTION_FUZZERS], [
  AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers], [build the fuzzers of tests/fuzz; needs CC=clang CXX=clang++])],
    [], [enable_fuzzers=no])
  adze_fuzzers=$enable_fuzzers
  AS_IF([test $adze_fuzzers != no], [
    AC_MSG_CHECKING([whether $CC has libFuzzer])
    ADZE_LINKS([-fsanitize=fuzzer-no-link], [AC_MSG_RESULT([yes])], [
      AC_MSG_RESULT([no])
      AC_MSG_ERROR([--enable-fuzzers needs clang with its runtime: CC=clang CXX=clang++, Debian's packages clang and libclang-rt-dev])])
    SANITIZER_FLAGS="$SANITIZER_FLAGS -fsanitize=fuzzer-no-link"
  ])
  AM_CONDITIONAL([FUZZERS], [test $adze_fuzzers != no])
])

AC_DEFUN([ADZE_COMPILER_FLAGS], [
  ADZE_CFLAGS=
  ADZE_CXXFLAGS=
  # -ffp-contract=off: a fused multiply-add rounds once where the source rounds twice, so the same
  # code would give other bytes on another processor.
  m4_foreach_w([flag], [-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
      -Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Wvla -fvisibility=hidden
      -ffp-contract=off], [ADZE_FLAG([ADZE_CFLAGS], flag)])
  AC_LANG_PUSH([C++])
  m4_foreach_w([flag], [-std=gnu++17 -Wall -Wextra -Wshadow -Wpointer-arith -Wundef -Wformat=2
      -fvisibility=hidden -fvisibility-inlines-hidden -ffp-contract=off],
    [ADZE_FLAG([ADZE_CXXFLAGS], flag)])
  AC_LANG_POP
  AS_IF([test "$enable_werror" = yes],
    [ADZE_CFLAGS="$ADZE_CFLAGS -Werror" ADZE_CXXFLAGS="$ADZE_CXXFLAGS -Werror"])
  AC_SUBST([ADZE_CFLAGS])
  AC_SUBST([ADZE_CXXFLAGS])
])

# ADZE_MISSING(WHAT, PACKAGE): remembers it for the one report at the end.
AC_DEFUN([ADZE_MISSING], [
  adze_missing="$adze_missing
    $1 (Debian: $2)"
])

# ADZE_NEED_LIBRARY(HEADER, LIBRARY, FUNCTION, PACKAGE): both must be there. LIBRARY goes to
# CORE_LIBS.
AC_DEFUN([ADZE_NEED_LIBRARY], [
  AC_CHECK_HEADER([$1], [], [ADZE_MISSING([$1], [$4])], [AC_INCLUDES_DEFAULT])
  AC_CHECK_LIB([$2], [$3], [CORE_LIBS="$CORE_LIBS -l$2"], [ADZE_MISSING([lib$2], [$4])])
])

AC_DEFUN([ADZE_DEPENDENCIES], [
  adze_missing=
  CORE_LIBS=
  ADZE_NEED_LIBRARY([ltdl.h], [ltdl], [lt_dlinit], [libltdl-dev])
  AC_CHECK_HEADER([libltdl/lt_dlloader.h], [], [ADZE_MISSING([libltdl/lt_dlloader.h], [libltdl-dev])],
    [AC_INCLUDES_DEFAULT])
  ADZE_NEED_LIBRARY([ffi.h], [ffi], [ffi_call], [libffi-dev])
  ADZE_NEED_LIBRARY([jansson.h], [jansson], [json_loads], [libjansson-dev])
  ADZE_NEED_LIBRARY([sodium.h], [sodium], [sodium_init], [libsodium-dev])
  ADZE_NEED_LIBRARY([xxhash.h], [xxhash], [XXH3_128bits], [libxxhash-dev])
  # For the sources that read compressed files; no part of core.
  adze_saved_core_libs=$CORE_LIBS
  ADZE_NEED_LIBRARY([zlib.h], [z], [inflate], [zlib1g-dev])
  # For adze-phase, which keeps its state in it; no part of core either.
  ADZE_NEED_LIBRARY([sqlite3.h], [sqlite3], [sqlite3_open_v2], [libsqlite3-dev])
  CORE_LIBS=$adze_saved_core_libs
  AC_CHECK_LIB([m], [sqrt], [CORE_LIBS="$CORE_LIBS -lm"])
  AC_CHECK_FUNC([pthread_create], [], [CORE_LIBS="$CORE_LIBS -lpthread"])
  AC_SUBST([CORE_LIBS])

  AC_LANG_PUSH([C++])
  adze_saved_cxxflags=$CXXFLAGS
  CXXFLAGS="$CXXFLAGS $ADZE_CXXFLAGS"
  AC_CHECK_HEADER([toml++/toml.h], [], [ADZE_MISSING([toml++/toml.h], [libtomlplusplus-dev])],
    [AC_INCLUDES_DEFAULT])
  CXXFLAGS=$adze_saved_cxxflags
  AC_LANG_POP

  # For the tests alone, but a build that nobody can test is of no use to anyone.
  AC_CHECK_HEADER([cmocka.h], [], [ADZE_MISSING([cmocka.h], [libcmocka-dev])],
    [#include <setjmp.h>
     #include <stdarg.h>
     #include <stddef.h>
     #include <stdint.h>])
  AC_CHECK_LIB([cmocka], [_cmocka_run_group_tests], [:], [ADZE_MISSING([libcmocka], [libcmocka-dev])])
  AC_CHECK_HEADER([dlpack/dlpack.h], [], [ADZE_MISSING([dlpack/dlpack.h], [libdlpack-dev])],
    [AC_INCLUDES_DEFAULT])

  AS_IF([test -n "$adze_missing"], [AC_MSG_ERROR([missing:$adze_missing
  On Debian and its relatives ./bootstrap installs them. Elsewhere install them yourself; if they
  lie in a folder of their own, say so with CPPFLAGS=-IDIR and LDFLAGS=-LDIR.])])
])

# For the backend onednn alone, which is left out where this is missing: ref computes the same.
# oneDNN 3 has another interface; one that runs on other threads than OpenMP's could not be told how
# many to use.
AC_DEFUN([ADZE_ONEDNN], [
  adze_onednn=no
  ONEDNN_LIBS=
  AC_CHECK_HEADER([oneapi/dnnl/dnnl.h],
    [AC_CHECK_LIB([dnnl], [dnnl_softmax_v2_forward_desc_init],
      [AC_CHECK_LIB([gomp], [omp_set_num_threads], [adze_onednn=yes])])],
    [], [AC_INCLUDES_DEFAULT])
  AS_IF([test $adze_onednn = yes], [
    AC_MSG_CHECKING([whether oneDNN runs on OpenMP])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <oneapi/dnnl/dnnl.h>
#if DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_OMP
#error no
#endif]])], [], [adze_onednn=no])
    AC_MSG_RESULT([$adze_onednn])
  ])
  AS_IF([test $adze_onednn = yes], [ONEDNN_LIBS="-ldnnl -lgomp"],
    [adze_onednn="no, for want of oneDNN 2.6 on OpenMP (Debian: libdnnl-dev)"])
  AS_IF([test "$enable_shared" != yes],
    [adze_onednn="no, for it is not linked into programs (--disable-shared)"])
  AC_SUBST([ONEDNN_LIBS])
  AM_CONDITIONAL([ONEDNN], [test "$adze_onednn" = yes])
])

# The program with its plugins linked in needs the static form of every library, and no sanitizer.
AC_DEFUN([ADZE_STATIC_HOST], [
  adze_static_host=no
  AS_IF([test "$enable_static" = yes && test $adze_sanitizers = none && test $adze_fuzzers = no], [
    AC_MSG_CHECKING([whether static programs can be linked])
    AC_LANG_PUSH([C++])
    adze_saved_ldflags=$LDFLAGS
    adze_saved_libs=$LIBS
    LDFLAGS="$LDFLAGS -static"
    LIBS="$CORE_LIBS $LIBS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <ltdl.h>
#include <string>]], [[return lt_dlinit () + (int) std::string ("x").size ();]])],
      [adze_static_host=yes])
    LDFLAGS=$adze_saved_ldflags
    LIBS=$adze_saved_libs
    AC_LANG_POP
    AC_MSG_RESULT([$adze_static_host])
  ])
  AS_IF([test "$enable_shared" != yes && test $adze_static_host = no && test $adze_sanitizers = none], [
    AC_MSG_ERROR([--disable-shared: static programs cannot be linked here; the static form (.a) of one of these is missing:$CORE_LIBS, libstdc++, libc])])
  AM_CONDITIONAL([STATIC_HOST], [test $adze_static_host = yes])

  # libltdl, getpwuid and their like make ld warn that a static program may still load libraries
  # at run time. Ours does not: it refuses plugin files. Let real warnings not drown in that.
  STATIC_LDFLAGS=
  AS_IF([test $adze_static_host = yes],
    [ADZE_LINKS([-Wl,--no-warnings], [STATIC_LDFLAGS=-Wl,--no-warnings])])
  AC_SUBST([STATIC_LDFLAGS])
])
