// Command stand-in-dns answers the names of services, NAME.NAMESPACE.svc.cluster.local, with their addresses, as a
// cluster's DNS does. It asks the API server at every question, so it is never behind, and knows no name beyond.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const suffix = ".svc.cluster.local."

var errNoService = errors.New("no such service")

type directory struct {
	server string
	client *http.Client
}

func openDirectory(server, authority, certificate, key string) (*directory, error) {
	pool := x509.NewCertPool()
	authorityBytes, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	pool.AppendCertsFromPEM(authorityBytes)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
		ForceAttemptHTTP2: true,
	}
	return &directory{server: server, client: &http.Client{Transport: transport, Timeout: 4 * time.Second}}, nil
}

// serviceAddress returns the cluster address of a service, or errNoService.
func (d *directory) serviceAddress(ctx context.Context, namespace, name string) (netip.Addr, error) {
	query := url.Values{"fieldSelector": {"metadata.name=" + name}}
	address := fmt.Sprintf("%s/api/v1/namespaces/%s/services?%s", d.server, url.PathEscape(namespace), query.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return netip.Addr{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return netip.Addr{}, err
	}
	if response.StatusCode != http.StatusOK {
		return netip.Addr{}, fmt.Errorf("the API server says %s", response.Status)
	}
	var list struct {
		Items []struct{ Spec struct{ ClusterIP string } }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return netip.Addr{}, err
	}
	if len(list.Items) == 0 {
		return netip.Addr{}, errNoService
	}
	found, err := netip.ParseAddr(list.Items[0].Spec.ClusterIP)
	if err != nil {
		// A headless service has no address of its own.
		return netip.Addr{}, errNoService
	}
	return found, nil
}

// parseName splits NAME.NAMESPACE.svc.cluster.local.
func parseName(full string) (name, namespace string, ok bool) {
	front, found := strings.CutSuffix(strings.ToLower(full), suffix)
	if !found {
		return "", "", false
	}
	name, namespace, ok = strings.Cut(front, ".")
	return name, namespace, ok && name != "" && namespace != "" && !strings.Contains(namespace, ".")
}

// answer makes the reply to one question.
func (d *directory) answer(ctx context.Context, query dnsmessage.Header, question dnsmessage.Question) ([]byte, error) {
	code, address := dnsmessage.RCodeNameError, netip.Addr{}
	if name, namespace, ok := parseName(question.Name.String()); ok {
		found, err := d.serviceAddress(ctx, namespace, name)
		switch {
		case err == nil:
			code, address = dnsmessage.RCodeSuccess, found
		case !errors.Is(err, errNoService):
			log.Printf("%s: %v", question.Name, err)
			code = dnsmessage.RCodeServerFailure
		}
	}
	header := dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionDesired: query.RecursionDesired, RCode: code}
	builder := dnsmessage.NewBuilder(nil, header)
	builder.EnableCompression()
	if err := builder.StartQuestions(); err != nil {
		return nil, err
	}
	if err := builder.Question(question); err != nil {
		return nil, err
	}
	if address.Is4() && question.Type == dnsmessage.TypeA {
		if err := builder.StartAnswers(); err != nil {
			return nil, err
		}
		resource := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 1}
		if err := builder.AResource(resource, dnsmessage.AResource{A: address.As4()}); err != nil {
			return nil, err
		}
	}
	return builder.Finish()
}

func (d *directory) serve(connection net.PacketConn, packet []byte, sender net.Addr) {
	var parser dnsmessage.Parser
	header, err := parser.Start(packet)
	if err != nil || header.Response {
		return
	}
	question, err := parser.Question()
	if err != nil {
		return
	}
	reply, err := d.answer(context.Background(), header, question)
	if err != nil {
		log.Printf("%s: %v", question.Name, err)
		return
	}
	if _, err := connection.WriteTo(reply, sender); err != nil {
		log.Printf("%s: %v", sender, err)
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:53", "UDP address")
	server := flag.String("server", "", "URL of the API server")
	authority := flag.String("authority", "", "certificate file of its authority")
	certificate := flag.String("certificate", "", "own certificate file")
	key := flag.String("key", "", "own key file")
	flag.Parse()
	directory, err := openDirectory(*server, *authority, *certificate, *key)
	if err != nil {
		log.Fatal(err)
	}
	connection, err := net.ListenPacket("udp4", *listen)
	if err != nil {
		log.Fatal(err)
	}
	for {
		packet := make([]byte, 1500)
		length, sender, err := connection.ReadFrom(packet)
		if err != nil {
			log.Fatal(err)
		}
		go directory.serve(connection, packet[:length], sender)
	}
}
