# SPDX-License-Identifier: GPL-3.0-or-later
# Fuzz targets. Each is a program fuzz-NAME. With --enable-fuzzing libFuzzer
# drives it (make check-fuzz); else it replays tests/fuzz/corpus/fuzz-NAME/ once,
# as part of make check.
FUZZ_SECONDS = 60
# 0 is another one each time.
FUZZ_SEED = 0
FUZZ_JOBS = 1
fuzz_programs = \
	tests/fuzz/fuzz-agent \
	tests/fuzz/fuzz-agent-yaml \
	tests/fuzz/fuzz-api-json \
	tests/fuzz/fuzz-cel \
	tests/fuzz/fuzz-hello \
	tests/fuzz/fuzz-dns \
	tests/fuzz/fuzz-engine-json \
	tests/fuzz/fuzz-http1 \
	tests/fuzz/fuzz-policy-eval \
	tests/fuzz/fuzz-policy-yaml \
	tests/fuzz/fuzz-selftest \
	$(NULL)
check_PROGRAMS += $(fuzz_programs)
EXTRA_DIST += tests/fuzz/corpus

if FUZZING
fuzz_driver =
else
fuzz_driver = tests/fuzz/replay.c
TESTS += $(fuzz_programs)
endif

tests_fuzz_fuzz_agent_SOURCES = tests/fuzz/fuzz-agent.c $(fuzz_driver)
tests_fuzz_fuzz_agent_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_agent_LDADD = src/outcalld/agent-api/libagent-api.a $(requests_test_libs)

tests_fuzz_fuzz_agent_yaml_SOURCES = tests/fuzz/fuzz-agent-yaml.c $(fuzz_driver)
tests_fuzz_fuzz_agent_yaml_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src/outcall
tests_fuzz_fuzz_agent_yaml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_agent_yaml_LDADD = $(agent_file_libs)

tests_fuzz_fuzz_api_json_SOURCES = tests/fuzz/fuzz-api-json.c $(fuzz_driver)
tests_fuzz_fuzz_api_json_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_api_json_LDADD = lib/outcall-api/libapi-inside.a $(JSON_LIBS) $(GLIB_LIBS)

tests_fuzz_fuzz_cel_SOURCES = tests/fuzz/fuzz-cel.c $(fuzz_driver)
tests_fuzz_fuzz_cel_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_cel_LDADD = $(cel_test_libs)

tests_fuzz_fuzz_hello_SOURCES = tests/fuzz/fuzz-hello.c $(fuzz_driver)
tests_fuzz_fuzz_hello_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_hello_LDADD = src/outcalld/proxy/libproxy.a lib/common/libcommon.a $(GLIB_LIBS)
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz-dns.c $(fuzz_driver)
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dns_LDADD = $(src_outcalld_dns_test_dns_filter_LDADD)

tests_fuzz_fuzz_engine_json_SOURCES = tests/fuzz/fuzz-engine-json.c $(fuzz_driver)
tests_fuzz_fuzz_engine_json_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_engine_json_LDADD = src/outcalld/engine/libengine.a lib/http1/libhttp1.a \
	lib/common/libcommon.a lib/outcall-api/libapi-inside.a $(JSON_LIBS) $(GLIB_LIBS)

tests_fuzz_fuzz_http1_SOURCES = tests/fuzz/fuzz-http1.c $(fuzz_driver)
tests_fuzz_fuzz_http1_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_http1_LDADD = src/outcalld/proxy/libproxy.a lib/http1/libhttp1.a lib/common/libcommon.a $(GLIB_LIBS)

tests_fuzz_fuzz_policy_eval_SOURCES = tests/fuzz/fuzz-policy-eval.c $(fuzz_driver)
tests_fuzz_fuzz_policy_eval_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_policy_eval_LDADD = $(policy_test_libs)

tests_fuzz_fuzz_policy_yaml_SOURCES = tests/fuzz/fuzz-policy-yaml.c $(fuzz_driver)
tests_fuzz_fuzz_policy_yaml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_policy_yaml_LDADD = $(policy_test_libs)

tests_fuzz_fuzz_selftest_SOURCES = \
	src/outcall-selftest/net.c \
	src/outcall-selftest/packet.c \
	src/outcall-selftest/selftest.h \
	src/outcall-selftest/tag.c \
	tests/fuzz/fuzz-selftest.c \
	$(fuzz_driver)
tests_fuzz_fuzz_selftest_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_fuzz_fuzz_selftest_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_selftest_LDADD = $(GLIB_LIBS)

# Whatever takes longer than 10 s has outrun its budget.
# libFuzzer puts what it finds into a folder of the build; the corpus is only read.
# A crash is printed too, for whoever has the log alone.
check-fuzz: $(fuzz_programs)
if FUZZING
	@printf '%s\n' $(fuzz_programs) | xargs -n 1 -P $(FUZZ_JOBS) sh -c ' \
	  name=$${1##*/}; found=tests/fuzz/found; mkdir -p $$found/$$name; \
	  $$1 -max_total_time=$(FUZZ_SECONDS) -timeout=10 -seed=$(FUZZ_SEED) -verbosity=0 \
	    -exact_artifact_path=$$found/crash-$$name \
	    $$found/$$name $(srcdir)/tests/fuzz/corpus/$$name || \
	    { base64 $$found/crash-$$name; exit 1; }' sh
else
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(fuzz_programs)'
endif
