# SPDX-License-Identifier: GPL-3.0-or-later
# What the system reads: unit, tmpfiles, sysusers, the folder for rules. Files
# with paths are made here and not by configure, which would leave ${prefix} in
# them unexpanded.
data_substitute = \
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	  -e 's|@sbindir[@]|$(sbindir)|g' \
	  $< >$@.tmp && mv $@.tmp $@

systemdsystemunit_DATA = data/systemd/outcalld.service
logrotatedir = $(sysconfdir)/logrotate.d
tmpfiles_DATA = data/tmpfiles.d/outcall.conf
sysusers_DATA = data/sysusers.d/outcall.conf
dist_logrotate_DATA = data/logrotate.d/outcalld
dist_doc_DATA += data/rules/example.yaml

data/systemd/outcalld.service: data/systemd/outcalld.service.in Makefile
	$(data_substitute)

EXTRA_DIST += \
	data/systemd/outcalld.service.in \
	data/sysusers.d/outcall.conf \
	data/tmpfiles.d/outcall.conf \
	$(NULL)
CLEANFILES += data/systemd/outcalld.service

# Empty, and the administrator's: removed only as long as nobody has used it.
rulesdir = $(sysconfdir)/outcall/rules.d
secretsdir = $(sysconfdir)/outcall/secrets.d
install-data-local: install-rules-dir
uninstall-local: uninstall-rules-dir
install-rules-dir:
	$(MKDIR_P) '$(DESTDIR)$(rulesdir)'
	$(MKDIR_P) -m 0700 '$(DESTDIR)$(secretsdir)'
uninstall-rules-dir:
	-rmdir '$(DESTDIR)$(rulesdir)' '$(DESTDIR)$(secretsdir)' '$(DESTDIR)$(sysconfdir)/outcall' \
	  2>/dev/null || :
.PHONY: install-rules-dir uninstall-rules-dir

TESTS += data/test-example.sh data/test-unit.sh
EXTRA_DIST += data/test-example.sh data/test-unit.sh
