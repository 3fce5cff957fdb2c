# make demo   installs what is missing, builds, and shows the whole way of an event
# make test   all tests that need no server
# make proof  100,000 random histories in two orders of arrival each; HISTORIES=n for another number,
#             LIMIT=n stops after so many seconds
# make build  the release executable: .build/release/outreachd. With the Swift libraries inside:
#             it runs where there are none, and retains and releases are direct calls, a fifth of
#             the CPU of an event.
# make deps   the Debian packages the build needs
# make install PREFIX=/usr/local

PREFIX ?= /usr/local
DESTDIR ?=
# Compiler processes at a time.
JOBS ?= $(shell nproc)
DEMO ?=
HISTORIES ?= 100000

.PHONY: demo test proof build-proof build deps install clean

demo: build
	.build/release/outreachd demo $(DEMO)

build: deps
	swift build -c release --static-swift-stdlib --product outreachd -j $(JOBS)

test: deps
	swift test -j $(JOBS)

proof: build-proof
	.build/release/order-proof $(HISTORIES) $(if $(LIMIT),--seconds $(LIMIT))

build-proof: deps
	swift build -c release --static-swift-stdlib --product order-proof -j $(JOBS)

deps:
	@sh scripts/deps.sh

install: build
	install -D -m 0755 .build/release/outreachd $(DESTDIR)$(PREFIX)/bin/outreachd
	install -D -m 0644 systemd/outreachd.service \
	  $(DESTDIR)/lib/systemd/system/outreachd.service
	test -e $(DESTDIR)/etc/outreachd/outreachd.yaml || \
	  install -D -m 0644 config/outreachd.yaml $(DESTDIR)/etc/outreachd/outreachd.yaml
	mkdir -p $(DESTDIR)/etc/outreachd/policy $(DESTDIR)/etc/outreachd/topics
	cp -R config/policy/. $(DESTDIR)/etc/outreachd/policy/
	cp -R topics/. $(DESTDIR)/etc/outreachd/topics/

clean:
	swift package clean
