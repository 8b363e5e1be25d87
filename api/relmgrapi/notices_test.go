package relmgrapi

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// Notices go to the internet at large, or to this machine where the document names
// it; what a name leads to is looked at when it is dialled, not before.
func TestNoticesAreSentNowhereInside(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "127.8.9.1": false, "::1": false, "0.0.0.0": false, "::": false, "0.1.2.3": false, "10.0.0.1": false, "172.16.3.4": false, "192.168.1.1": false,
		"100.64.0.1": false, "169.254.169.254": false, "fe80::1": false, "fd00::1": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
		"192.0.0.9": false, "198.18.0.1": false, "240.0.0.1": false, "64:ff9b::a00:1": false, "64:ff9b:1::1": false, "2002:a00:1::1": false, "2001::1": false, "::ffff:10.0.0.1": false,
	} {
		if got := public(netip.MustParseAddr(address).Unmap()); got != want {
			t.Errorf("%s: may be sent to: %t", address, got)
		}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		res, err := clientTo(public).Post("http://"+host+":"+port, "application/json", strings.NewReader("{}"))
		if err == nil {
			res.Body.Close()
			t.Errorf("%s was reached", host)
		}
	}
	res, err := clientTo(netip.Addr.IsLoopback).Post(server.URL, "application/json", strings.NewReader("{}"))
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("this machine was not reached: %v", err)
	} else {
		res.Body.Close()
	}
}
