// Command stand-in-device-plugin advertises GPUs that do not exist to a real kubelet, so that scheduling, allocation and
// the ids which a pod sees are real. A container finds its ids in NVIDIA_VISIBLE_DEVICES and DUALPARAL_STANDIN_GPUS. While the
// file -silent-while exists, containers find nothing: their GPUs are then real to the kubelet alone. Ids that the file -unhealthy
// names, one a line, are reported to the kubelet as unhealthy, for as long as they stand there.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	plugin "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

type standIn struct {
	plugin.UnimplementedDevicePluginServer
	count int
	// silentWhile names a file that silences Allocate while it exists; empty for never.
	silentWhile string
	// unhealthy names a file with the ids of devices that are unhealthy; empty for none.
	unhealthy string
}

// devices are all of them, each with its health now.
func (s *standIn) devices() []*plugin.Device {
	text, _ := os.ReadFile(s.unhealthy)
	sick := strings.Fields(string(text))
	var devices []*plugin.Device
	for index := range s.count {
		device := &plugin.Device{ID: fmt.Sprintf("stand-in-gpu-%d", index), Health: plugin.Healthy}
		if slices.Contains(sick, device.ID) {
			device.Health = plugin.Unhealthy
		}
		devices = append(devices, device)
	}
	return devices
}

func (s *standIn) GetDevicePluginOptions(context.Context, *plugin.Empty) (*plugin.DevicePluginOptions, error) {
	return &plugin.DevicePluginOptions{}, nil
}

// ListAndWatch sends the list, and again whenever the health of a device has changed.
func (s *standIn) ListAndWatch(_ *plugin.Empty, stream plugin.DevicePlugin_ListAndWatchServer) error {
	health := func(devices []*plugin.Device) string {
		var text strings.Builder
		for _, device := range devices {
			text.WriteString(device.Health + " ")
		}
		return text.String()
	}
	told := ""
	for {
		devices := s.devices()
		if now := health(devices); now != told {
			if err := stream.Send(&plugin.ListAndWatchResponse{Devices: devices}); err != nil {
				return err
			}
			told = now
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *standIn) Allocate(_ context.Context, request *plugin.AllocateRequest) (*plugin.AllocateResponse, error) {
	response := &plugin.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		ids := strings.Join(container.DevicesIds, ",")
		answer := &plugin.ContainerAllocateResponse{}
		if !s.isSilent() {
			answer.Envs = map[string]string{"NVIDIA_VISIBLE_DEVICES": ids, "DUALPARAL_STANDIN_GPUS": ids}
		}
		response.ContainerResponses = append(response.ContainerResponses, answer)
	}
	return response, nil
}

func (s *standIn) isSilent() bool {
	_, err := os.Stat(s.silentWhile)
	return s.silentWhile != "" && err == nil
}

func register(ctx context.Context, kubeletSocket, endpoint, resource string) error {
	connection, err := grpc.NewClient("unix://"+kubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = plugin.NewRegistrationClient(connection).Register(ctx, &plugin.RegisterRequest{
		Version:      plugin.Version,
		Endpoint:     endpoint,
		ResourceName: resource,
		Options:      &plugin.DevicePluginOptions{},
	})
	return err
}

// serveUntilReplaced serves for one life of the kubelet: a restarted kubelet has forgotten its plugins and removed
// their sockets, which shows as a new file in the place of its own socket.
func serveUntilReplaced(folder, resource string, server *standIn) error {
	kubeletSocket := filepath.Join(folder, "kubelet.sock")
	registeredWith, err := os.Stat(kubeletSocket)
	if err != nil {
		return err
	}
	endpoint := "stand-in-gpu.sock"
	socket := filepath.Join(folder, endpoint)
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	grpcServer := grpc.NewServer()
	plugin.RegisterDevicePluginServer(grpcServer, server)
	go grpcServer.Serve(listener)
	defer grpcServer.Stop()

	if err := register(context.Background(), kubeletSocket, endpoint, resource); err != nil {
		return err
	}
	log.Printf("registered %d of %s", server.count, resource)
	for {
		time.Sleep(500 * time.Millisecond)
		now, err := os.Stat(kubeletSocket)
		if err != nil || !os.SameFile(now, registeredWith) || now.ModTime() != registeredWith.ModTime() {
			return fmt.Errorf("the kubelet's socket was replaced")
		}
	}
}

func main() {
	folder := flag.String("folder", strings.TrimSuffix(plugin.DevicePluginPath, "/"), "the kubelet's device plugin folder")
	resource := flag.String("resource", "nvidia.com/gpu", "resource name to advertise")
	count := flag.Int("count", 8, "how many devices to advertise")
	silentWhile := flag.String("silent-while", "", "while this file exists, containers get no sign of their devices")
	unhealthy := flag.String("unhealthy", "", "a file with the ids of unhealthy devices, one a line")
	flag.Parse()
	server := &standIn{count: *count, silentWhile: *silentWhile, unhealthy: *unhealthy}
	for {
		err := serveUntilReplaced(*folder, *resource, server)
		log.Printf("registering again: %v", err)
		time.Sleep(500 * time.Millisecond)
	}
}
